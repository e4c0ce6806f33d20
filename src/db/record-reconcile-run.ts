import type { WebhookVerdict } from '../drift.js';
import type { ReconcileTotals } from '../reconcile-totals.js';
import { byPostgresClock } from './by-postgres-clock.js';
import type { Database } from './database.js';
import { Prisma } from './generated/client.js';
import { columnOf } from './model-columns.js';
import { runStatement } from './run-statement.js';

export interface ReconcileRunRecord {
  /** The workflow's ID and its first run's, joined by a slash: one row for a reconcile and its windows. */
  id: string;
  kind: string;
  status: 'running' | 'completed' | 'cancelled' | 'failed';
  /** Unix milliseconds, by Temporal's clock. */
  startedAtMs: number;
  totals: ReconcileTotals;
  windows?: number;
  /** What it left undone because Clerk failed, in sentences without personal data. */
  problems?: string[];
  /** Counted at the end; null where Clerk could not count. */
  clerkUsers?: number | null;
  liveRows?: number;
  webhooks?: WebhookVerdict;
  /** Up to when every change is known, where later ones were left unread: Unix milliseconds, by Postgres' clock. Default: up to its start. */
  changesKnownUpToMs?: number;
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
 * Writes where a reconcile stands. All its times are by Postgres' clock, by which others judge how old it is; how far this
 * process' clock is ahead of that is written beside them.
 *
 * @param scheduledMs when Temporal scheduled this, by the clock of `startedAtMs`.
 * @throws POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 */
export async function recordReconcileRun(
  db: Database,
  record: ReconcileRunRecord,
  scheduledMs?: number,
): Promise<void> {
  const { id, startedAtMs, totals, changesKnownUpToMs, ...rest } = record;
  const { status } = rest;
  const values = {
    id,
    ...rest,
    ...totals,
    startedAt: byPostgresClock({ ms: startedAtMs, scheduledMs }),
    ...(changesKnownUpToMs !== undefined && { changesKnownUpTo: new Date(changesKnownUpToMs) }),
    finishedAt: status === 'running' ? null : Prisma.sql`now()`,
    clockAheadSeconds: Prisma.sql`extract(epoch FROM ${new Date().toISOString()}::timestamptz - clock_timestamp())`,
  };
  const written = Object.entries(values).filter(([, value]) => value !== undefined);
  const columns = written.map(([field]) => columnOf(field));
  const set = columns.map((column) => `${column} = excluded.${column}`).join(', ');
  const follows = FOLLOWS[status].map((earlier) => `'${earlier}'`).join(', ');
  await runStatement(
    db,
    'Recording a reconcile.',
    Prisma.sql`
      INSERT INTO reconcile_runs (${Prisma.raw(columns.join(', '))})
      VALUES (${Prisma.join(written.map(([, value]) => value))})
      ON CONFLICT (id) DO UPDATE SET ${Prisma.raw(set)} WHERE reconcile_runs.status IN (${Prisma.raw(follows)})`,
    { inOneRoundTrip: true },
  );
}
