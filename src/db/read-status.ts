import { type DriftLabel, driftByLabel } from '../drift.js';
import type { FailureCode } from '../failures.js';
import { type Database, query } from './database.js';
import { Prisma, type ReconcileRun } from './generated/client.js';
import { type HooksBacklog, readHooksBacklog } from './hooks-backlog.js';
import { judgeWebhooks, type WebhookJudgement } from './judge-webhooks.js';
import { latestCompletedRun, RUN_COLUMNS } from './latest-completed-run.js';
import { postgresFailure } from './postgres-failure.js';
import { type Erasing, readErasing } from './read-erasing.js';
import { FOREIGN_ROWS, GONE_ROWS, KEPT_ROWS, WAITING_DELETIONS } from './waiting-deletions.js';

/** A reconcile that was completed. */
export interface CompletedRun {
  kind: string;
  finishedAt: Date;
  repaired: Record<DriftLabel, number>;
  /** Deletions that it left alone because they were too many. */
  withheld: number;
  /** Rows about which Clerk did not answer: their deletion waits. */
  unasked: number;
  /** What it left undone because Clerk failed, in sentences. */
  problems: string[];
  /** Users that it could not write. */
  failed: number;
  clerkRequests: number;
  /** How many users Clerk had, and how many live rows the table, at its end; null where it did not count. */
  clerkUsers: number | null;
  liveRows: number | null;
  /** How far its worker's clock was ahead of Postgres'. */
  clockAheadSeconds: number | null;
}

/** Users who wait for somebody, and the first 5 of them by the time of their failure. */
export interface WaitingUsers {
  unresolved: number;
  first: { clerkUserId: string; code: string }[];
}

export interface SyncStatus {
  /** The Clerk instance that the table belongs to; null before the first reconcile. */
  instance: { instanceId: string; adoptedAt: Date } | null;
  liveRows: number;
  deletedRows: number;
  lastReconcile: CompletedRun | null;
  lastSweep: CompletedRun | null;
  /** The reconcile that began after the last completed one and has not ended, if any. */
  running: { kind: string; startedAt: Date; seen: number } | null;
  webhooks: WebhookJudgement;
  /** Those who cannot be written. */
  failures: WaitingUsers;
  /** Those who were written without their e-mail, which another user's row has: EMAIL_TAKEN. */
  emailsTaken: WaitingUsers;
  /** Rows whose deletion waits for an operator. */
  deletionsWaiting: number;
  /** Rows that an operator decided to keep, though Clerk does not have their users. */
  deletionsKept: number;
  /** All rows whose users Clerk does not have, those two kinds among them. */
  goneRows: number;
  /** How far the erasing of deleted users is behind; null with DELETION_MODE=soft. */
  erasing: Erasing | null;
  /** Live rows whose id is none of Clerk's, so that Clerk cannot be asked about them: no sweep deletes them. */
  foreignRows: number;
  /** How far the application's hooks are behind; null where hooks are off. */
  hooks: HooksBacklog | null;
}

const FAILURES_SHOWN = 5;
const EMAIL_TAKEN: FailureCode = 'EMAIL_TAKEN';

/**
 * @param nowMs Unix milliseconds, by Postgres' clock.
 * @returns the sync's health, without asking Clerk or Temporal. No personal data: ids, codes, counts and times.
 * @throws POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 */
export async function readStatus(db: Database, nowMs: number): Promise<SyncStatus> {
  const [tables, webhooks] = await Promise.all([readTables(db), judgeWebhooks(db, nowMs)]);
  return { ...tables, webhooks };
}

async function readTables(db: Database): Promise<Omit<SyncStatus, 'webhooks'>> {
  try {
    const [[instance], [counts], lastReconcile, lastSweep, [newest], failures, emailsTaken, erasing, hooks] =
      await Promise.all([
        query<NonNullable<SyncStatus['instance']>>(db, INSTANCE),
        query<Counts>(db, COUNTS),
        lastCompleted(db),
        lastCompleted(db, 'sweep'),
        query<ReconcileRun>(db, NEWEST_RUN),
        waitingUsers(db, Prisma.sql`code <> ${EMAIL_TAKEN}`),
        waitingUsers(db, Prisma.sql`code = ${EMAIL_TAKEN}`),
        readErasing(db),
        readHooksBacklog(db),
      ]);
    return {
      instance: instance ?? null,
      liveRows: counts?.live ?? 0,
      deletedRows: counts?.deleted ?? 0,
      lastReconcile,
      lastSweep,
      running:
        newest?.status === 'running'
          ? { kind: newest.kind, startedAt: newest.startedAt, seen: newest.seen }
          : null,
      failures,
      emailsTaken,
      deletionsWaiting: counts?.waiting ?? 0,
      deletionsKept: counts?.kept ?? 0,
      goneRows: counts?.gone ?? 0,
      erasing,
      foreignRows: counts?.foreign ?? 0,
      hooks,
    };
  } catch (error) {
    throw postgresFailure(error, 'Reading the status.');
  }
}

async function waitingUsers(db: Database, ofCode: Prisma.Sql): Promise<WaitingUsers> {
  const waiting = Prisma.sql`FROM sync_failures WHERE resolved_at IS NULL AND ${ofCode}`;
  const [[counted], first] = await Promise.all([
    query<{ unresolved: number }>(db, Prisma.sql`SELECT count(*)::int AS unresolved ${waiting}`),
    query<WaitingUsers['first'][number]>(
      db,
      Prisma.sql`
        SELECT clerk_id AS "clerkUserId", code ${waiting} ORDER BY first_failed_at, clerk_id LIMIT ${FAILURES_SHOWN}`,
    ),
  ]);
  return { unresolved: counted?.unresolved ?? 0, first };
}

const INSTANCE = Prisma.sql`SELECT instance_id AS "instanceId", adopted_at AS "adoptedAt" FROM synced_instance`;

const NEWEST_RUN = Prisma.sql`SELECT ${RUN_COLUMNS} FROM reconcile_runs ORDER BY started_at DESC LIMIT 1`;

interface Counts {
  live: number;
  deleted: number;
  waiting: number;
  kept: number;
  gone: number;
  foreign: number;
}

/** Rows that DELETION_MODE=hard removed are deleted as well; of them the tombstone is left. */
const COUNTS = Prisma.sql`
  SELECT count(*) FILTER (WHERE deleted_at IS NULL)::int AS live,
    (count(*) FILTER (WHERE deleted_at IS NOT NULL)
      + (SELECT count(*) FROM user_tombstones WHERE restored_at IS NULL))::int AS deleted,
    (${WAITING_DELETIONS}) AS waiting, (${KEPT_ROWS}) AS kept, (SELECT count(*)::int ${GONE_ROWS}) AS gone,
    (${FOREIGN_ROWS}) AS "foreign"
  FROM users`;

async function lastCompleted(db: Database, kind?: 'sweep'): Promise<CompletedRun | null> {
  const run = await latestCompletedRun(db, kind);
  return run?.finishedAt ? completedRun(run, run.finishedAt) : null;
}

function completedRun(run: ReconcileRun, finishedAt: Date): CompletedRun {
  const {
    kind,
    withheld,
    unasked,
    problems,
    failed,
    clerkRequests,
    clerkUsers,
    liveRows,
    clockAheadSeconds,
  } = run;
  return {
    kind,
    finishedAt,
    repaired: driftByLabel(run),
    withheld,
    unasked,
    problems,
    failed,
    clerkRequests,
    clerkUsers,
    liveRows,
    clockAheadSeconds,
  };
}
