import type { EarlierCounts } from '../sweep-is-due.js';
import type { Database } from './database.js';
import { latestCompletedRun } from './latest-completed-run.js';
import { postgresFailure } from './postgres-failure.js';

/** What earlier reconciles found out. */
export interface EarlierReconciles extends EarlierCounts {
  /**
   * Up to when every change is known: when the latest completed one had started or, where that left changes unread, the
   * one before it. Unix milliseconds.
   */
  startedAtMs: number;
  /** How many live rows there were at its end; null if it did not count. */
  liveRows: number | null;
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
      startedAtMs: (last.changesKnownUpTo ?? last.startedAt).getTime(),
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
