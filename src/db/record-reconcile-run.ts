import type { ReconcileTotals } from '../reconcile-totals.js';
import type { Database } from './database.js';
import { postgresFailure } from './postgres-failure.js';

export interface ReconcileRunRecord {
  /** The workflow's ID and its first run's, joined by a slash: one row, however often the workflow continues as new. */
  id: string;
  kind: string;
  status: 'running' | 'completed' | 'cancelled';
  startedAtMs: number;
  totals: ReconcileTotals;
}

/**
 * Writes where a reconcile stands.
 *
 * @throws POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 */
export async function recordReconcileRun(db: Database, record: ReconcileRunRecord): Promise<void> {
  const { id, kind, status, totals } = record;
  const finishedAt = status === 'running' ? null : new Date();
  const data = { kind, status, startedAt: new Date(record.startedAtMs), finishedAt, ...totals };
  try {
    await db.reconcileRun.upsert({ where: { id }, create: { id, ...data }, update: data });
  } catch (error) {
    throw postgresFailure(error, 'Recording a reconcile.');
  }
}
