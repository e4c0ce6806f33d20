import type { WebhookVerdict } from '../drift.js';
import type { ReconcileTotals } from '../reconcile-totals.js';
import type { Database } from './database.js';
import { Prisma } from './generated/client.js';
import { columnOf } from './model-columns.js';
import { runStatement } from './run-statement.js';

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
  /** Tombstones that were due to be erased at its end; not with DELETION_MODE=soft. */
  toErase?: number;
}

type Status = ReconcileRunRecord['status'];

/**
 * What a row may say for the new status to be written over it. A run that was cancelled stays so, whatever its activity,
 * which hears of it seconds later, says of having completed it.
 */
const FOLLOWS: Record<Status, readonly Status[]> = {
  running: ['running'],
  completed: ['running', 'completed'],
  cancelled: ['running', 'completed', 'cancelled', 'failed'],
  failed: ['running', 'completed', 'cancelled', 'failed'],
};

/**
 * Writes where a reconcile stands.
 *
 * @throws POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 */
export async function recordReconcileRun(db: Database, record: ReconcileRunRecord): Promise<void> {
  const { id, startedAtMs, totals, ...rest } = record;
  const { status } = rest;
  const finishedAt = status === 'running' ? null : new Date();
  // A clock that runs ahead must not make this the latest run for hours.
  const startedAt = new Date(Math.min(startedAtMs, Date.now()));
  const written = Object.entries({ id, ...rest, ...totals, startedAt, finishedAt }).filter(
    ([, value]) => value !== undefined,
  );
  const columns = written.map(([field]) => columnOf(field));
  const follows = FOLLOWS[status].map((earlier) => `'${earlier}'`).join(', ');
  await runStatement(
    db,
    'Recording a reconcile.',
    Prisma.sql`
      INSERT INTO reconcile_runs (${Prisma.raw(columns.join(', '))})
      VALUES (${Prisma.join(written.map(([, value]) => value))})
      ON CONFLICT (id) DO UPDATE SET ${Prisma.raw(columns.map((column) => `${column} = excluded.${column}`).join(', '))}
      WHERE reconcile_runs.status IN (${Prisma.raw(follows)})`,
    { inOneRoundTrip: true },
  );
}
