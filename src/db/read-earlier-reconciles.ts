import type { Database } from './database.js';
import { latestCompletedRun } from './latest-completed-run.js';
import { postgresFailure } from './postgres-failure.js';

/** What earlier reconciles found out. Times are Unix milliseconds. */
export interface EarlierReconciles {
  /** When the latest completed one had started: every change up to then is known. */
  startedAtMs: number;
  /** How many live rows there were at its end, and how many more than users in Clerk; null if it did not count. */
  liveRows: number | null;
  surplus: number | null;
  lastSweep: {
    startedAtMs: number;
    durationMs: number;
    /** The surplus that another sweep would leave too. Of rows that are missing, only those that were refused. */
    settledSurplus: number;
  } | null;
}

/**
 * @returns null before the first completed reconcile.
 * @throws POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 */
export async function readEarlierReconciles(db: Database): Promise<EarlierReconciles | null> {
  try {
    const [last, sweep] = await Promise.all([latestCompletedRun(db), latestCompletedRun(db, 'sweep')]);
    if (last === null) return null;
    return {
      startedAtMs: last.startedAt.getTime(),
      liveRows: last.liveRows,
      surplus: surplusOf(last),
      lastSweep: sweep && {
        startedAtMs: sweep.startedAt.getTime(),
        durationMs: (sweep.finishedAt?.getTime() ?? sweep.startedAt.getTime()) - sweep.startedAt.getTime(),
        settledSurplus: Math.max(surplusOf(sweep) ?? 0, -sweep.failed),
      },
    };
  } catch (error) {
    throw postgresFailure(error, 'Looking for earlier reconciles.');
  }
}

const surplusOf = ({ liveRows, clerkUsers }: { liveRows: number | null; clerkUsers: number | null }) =>
  liveRows === null || clerkUsers === null ? null : liveRows - clerkUsers;
