import { activityInfo, cancellationSignal } from '@temporalio/activity';
import { countUsers } from '../clerk/count-users.js';
import { countLiveUsers } from '../db/count-live-users.js';
import { countStayingRows, type StayingRows } from '../db/count-staying-rows.js';
import { hasNumberChanged } from '../db/has-number-changed.js';
import type { EarlierReconciles } from '../db/read-earlier-reconciles.js';
import { failureCode } from '../failures.js';
import type { ActivityDependencies } from './dependencies.js';
import { requireInstance } from './require-instance.js';

export interface Counts extends StayingRows {
  /** null where Clerk could not be had to count them. */
  clerkUsers: number | null;
  /** Then why, in a sentence. */
  uncounted?: string;
  /** Those of them that stay are not counted in a delta. */
  liveRows: number;
}

/** What an earlier reconcile counted, and when it had started. */
export type EarlierCount = Pick<EarlierReconciles, 'startedAtMs' | 'liveRows'>;

/** For clocks that differ, and for writes that had begun and were not yet to be seen. */
const MARGIN_MS = 60_000;

/**
 * Counts on both sides at about the same time; one request. Counting a million rows takes longer than all the rest of an
 * idle tick, so it is left out while the log knows of nobody added or removed since they were counted last.
 *
 * @param earlier without it, or where it did not count, they are counted in any case.
 * @returns after the first attempt also where Clerk fails to count: no user waits for a number.
 * @throws what the Clerk and Postgres rooms throw, all retried.
 */
export async function compareCounts(
  deps: ActivityDependencies,
  earlier: EarlierCount | null,
): Promise<Counts> {
  await requireInstance(deps, { plan: true });
  const [clerk, liveRows, staying] = await Promise.all([
    countAtClerk(deps),
    countRows(deps, earlier),
    earlier === null ? countStayingRows(deps.db) : {},
  ]);
  return { ...clerk, liveRows, ...staying };
}

async function countAtClerk({
  clerk,
}: ActivityDependencies): Promise<Pick<Counts, 'clerkUsers' | 'uncounted'>> {
  try {
    return { clerkUsers: await countUsers(clerk, cancellationSignal()) };
  } catch (error) {
    const code = failureCode(error);
    if (activityInfo().attempt === 1 || !code?.startsWith('CLERK_') || !(error instanceof Error)) throw error;
    return { clerkUsers: null, uncounted: `Clerk's users could not be counted: ${error.message} (${code})` };
  }
}

async function countRows({ db }: ActivityDependencies, earlier: EarlierCount | null): Promise<number> {
  if (earlier === null || earlier.liveRows === null) return countLiveUsers(db);
  const hasChanged = await hasNumberChanged(db, earlier.startedAtMs - MARGIN_MS);
  return hasChanged ? countLiveUsers(db) : earlier.liveRows;
}
