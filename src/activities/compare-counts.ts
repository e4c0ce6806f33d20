import { cancellationSignal } from '@temporalio/activity';
import { countUsers } from '../clerk/count-users.js';
import { countLiveUsers } from '../db/count-live-users.js';
import { hasNumberChanged } from '../db/has-number-changed.js';
import type { ActivityDependencies } from './dependencies.js';
import { requireInstance } from './require-instance.js';

export interface Counts {
  clerkUsers: number;
  liveRows: number;
}

/** A count that an earlier reconcile ended with, and when that one had started; Unix milliseconds. */
export interface EarlierCount {
  startedAtMs: number;
  liveRows: number;
}

/** For clocks that differ, and for writes that had begun and were not yet to be seen. */
const MARGIN_MS = 60_000;

/**
 * Counts on both sides at about the same time; one request. Counting a million rows takes longer than all the rest of an
 * idle tick, so it is left out while the log knows of nobody added or removed since they were counted last.
 *
 * @param earlier null counts in any case.
 * @throws what the Clerk and Postgres rooms throw, all retried.
 */
export async function compareCounts(
  deps: ActivityDependencies,
  earlier: EarlierCount | null,
): Promise<Counts> {
  await requireInstance(deps, { plan: true });
  const [clerkUsers, liveRows] = await Promise.all([
    countUsers(deps.clerk, cancellationSignal()),
    earlier !== null && !(await hasNumberChanged(deps.db, earlier.startedAtMs - MARGIN_MS))
      ? earlier.liveRows
      : countLiveUsers(deps.db),
  ]);
  return { clerkUsers, liveRows };
}
