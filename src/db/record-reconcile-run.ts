import type { WebhookVerdict } from '../drift.js';
import type { ReconcileTotals } from '../reconcile-totals.js';
import type { Database } from './database.js';
import { postgresFailure } from './postgres-failure.js';

export interface ReconcileRunRecord {
  /** The workflow's ID and its first run's, joined by a slash: one row for a reconcile and its windows. */
  id: string;
  kind: string;
  status: 'running' | 'completed' | 'cancelled' | 'failed';
  startedAtMs: number;
  totals: ReconcileTotals;
  windows?: number;
  /** Counted at the end. */
  clerkUsers?: number;
  liveRows?: number;
  webhooks?: WebhookVerdict;
}

/**
 * Writes where a reconcile stands. One that has ended is not running any more, whatever an activity says that did not hear
 * of it.
 *
 * @throws POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 */
export async function recordReconcileRun(db: Database, record: ReconcileRunRecord): Promise<void> {
  const { id, startedAtMs, totals, ...rest } = record;
  const finishedAt = record.status === 'running' ? null : new Date();
  // A clock that runs ahead must not make this the latest run for hours.
  const startedAt = new Date(Math.min(startedAtMs, Date.now()));
  const data = { ...rest, ...totals, startedAt, finishedAt };
  try {
    if (finishedAt !== null) {
      await db.reconcileRun.upsert({ where: { id }, create: { id, ...data }, update: data });
      return;
    }
    const { count } = await db.reconcileRun.createMany({ data: [{ id, ...data }], skipDuplicates: true });
    if (count === 0) await db.reconcileRun.updateMany({ where: { id, finishedAt: null }, data });
  } catch (error) {
    throw postgresFailure(error, 'Recording a reconcile.');
  }
}
