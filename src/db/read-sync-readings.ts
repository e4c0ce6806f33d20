import { type DriftLabel, driftByLabel } from '../drift.js';
import { type Database, query } from './database.js';
import { Prisma } from './generated/client.js';
import { HOOKS_BACKLOG } from './hooks-backlog.js';
import { postgresFailure } from './postgres-failure.js';
import { KEPT_ROWS, WAITING_DELETIONS } from './waiting-deletions.js';

/** What a dashboard or an alert wants to know of the table, at the price of a scrape. */
export interface SyncReadings {
  /** As the last reconcile counted them; null before the first. */
  clerkUsers: number | null;
  liveRows: number | null;
  /** The last reconcile's verdict; null before the first. */
  webhooksOk: boolean | null;
  /** How far the clock of the last reconcile's worker was ahead of Postgres'; null before the first. */
  clockAheadSeconds: number | null;
  /** When the last of each kind was completed, Unix seconds; null where there was none in the last 8 days. */
  lastReconcileSeconds: { sweep: number | null; delta: number | null };
  repairedLastHour: Record<DriftLabel, number>;
  failuresUnresolved: number;
  deletionsWaiting: number;
  /** Rows that an operator decided to keep, though Clerk does not have their users. */
  deletionsKept: number;
  /** Tombstones due to be erased, as the last reconcile counted them; null before the first, and with DELETION_MODE=soft. */
  tombstonesToErase: number | null;
  /** Rows whose deletion waits until Clerk answers, as of the last sweep; null before the first. */
  deletionsUnasked: number | null;
  /** Changes whose hooks have not been through; null where hooks are off. */
  hooksPending: number | null;
  /** When the oldest of them was written, Unix seconds; null when there is none. */
  oldestPendingHookSeconds: number | null;
}

/**
 * Reads it all in one statement, on one connection. It counts no users: of a million that would take longer than all
 * the rest, and the last reconcile has counted them.
 *
 * @throws POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 */
export async function readSyncReadings(db: Database): Promise<SyncReadings> {
  try {
    const [row] = await query<Row>(db, STATEMENT);
    if (!row) throw new Error('No row.');
    return {
      clerkUsers: row.clerkUsers,
      liveRows: row.liveRows,
      webhooksOk: row.webhooks === null ? null : row.webhooks === 'ok',
      clockAheadSeconds: row.clockAheadSeconds,
      lastReconcileSeconds: { sweep: row.sweepSeconds, delta: row.deltaSeconds },
      repairedLastHour: driftByLabel(row),
      failuresUnresolved: row.failuresUnresolved,
      deletionsWaiting: row.deletionsWaiting,
      deletionsKept: row.deletionsKept,
      tombstonesToErase: row.tombstonesToErase,
      deletionsUnasked: row.deletionsUnasked,
      hooksPending: row.hooksPending,
      oldestPendingHookSeconds: row.oldestPendingHookSeconds,
    };
  } catch (error) {
    throw postgresFailure(error, 'Reading the tables.');
  }
}

interface Row {
  clerkUsers: number | null;
  liveRows: number | null;
  webhooks: string | null;
  clockAheadSeconds: number | null;
  sweepSeconds: number | null;
  deltaSeconds: number | null;
  created: number;
  updated: number;
  restored: number;
  deleted: number;
  phantoms: number;
  failuresUnresolved: number;
  deletionsWaiting: number;
  deletionsKept: number;
  tombstonesToErase: number | null;
  deletionsUnasked: number | null;
  hooksPending: number | null;
  oldestPendingHookSeconds: number | null;
}

/** Only the start of a run has an index: a kind that never ran would else be looked for in every row there is. */
const lastOf = (kind: 'sweep' | 'delta', value: Prisma.Sql) => Prisma.sql`(
  SELECT ${value} FROM reconcile_runs
  WHERE kind = ${kind} AND status = 'completed' AND started_at > now() - interval '8 days'
  ORDER BY started_at DESC LIMIT 1)`;

const FINISHED = Prisma.sql`extract(epoch FROM finished_at)::float8`;

const STATEMENT = Prisma.sql`
WITH latest AS (
  SELECT clerk_users, live_rows, webhooks, to_erase, clock_ahead_seconds FROM reconcile_runs
  WHERE status = 'completed' ORDER BY started_at DESC LIMIT 1
), hour AS (
  SELECT coalesce(sum(created), 0)::int AS created, coalesce(sum(updated), 0)::int AS updated,
    coalesce(sum(restored), 0)::int AS restored, coalesce(sum(deleted), 0)::int AS deleted,
    coalesce(sum(phantoms), 0)::int AS phantoms
  FROM reconcile_runs WHERE finished_at > now() - interval '1 hour' AND started_at > now() - interval '1 day'
)
SELECT latest.clerk_users AS "clerkUsers", latest.live_rows AS "liveRows", latest.webhooks, latest.to_erase AS "tombstonesToErase",
  latest.clock_ahead_seconds AS "clockAheadSeconds", hour.*,
  ${lastOf('sweep', FINISHED)} AS "sweepSeconds", ${lastOf('delta', FINISHED)} AS "deltaSeconds",
  ${lastOf('sweep', Prisma.sql`unasked`)} AS "deletionsUnasked",
  (SELECT count(*)::int FROM sync_failures WHERE resolved_at IS NULL) AS "failuresUnresolved",
  (${WAITING_DELETIONS}) AS "deletionsWaiting", (${KEPT_ROWS}) AS "deletionsKept",
  hooks.pending AS "hooksPending", extract(epoch FROM hooks.oldest_at)::float8 AS "oldestPendingHookSeconds"
FROM hour LEFT JOIN latest ON true LEFT JOIN (${HOOKS_BACKLOG}) AS hooks ON true`;
