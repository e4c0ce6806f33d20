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
 * Writes where a reconcile stands.
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
    await db.reconcileRun.upsert({ where: { id }, create: { id, ...data }, update: data });
  } catch (error) {
    throw postgresFailure(error, 'Recording a reconcile.');
  }
}
