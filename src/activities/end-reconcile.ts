import { readClock } from '../db/read-clock.js';
import type { EarlierReconciles } from '../db/read-earlier-reconciles.js';
import type { ReconcileRunRecord } from '../db/record-reconcile-run.js';
import type { WebhookVerdict } from '../drift.js';
import { addTotals, noTotals } from '../reconcile-totals.js';
import { sweepIsDue } from '../sweep-is-due.js';
import { type Counts, compareCounts } from './compare-counts.js';
import type { ActivityDependencies } from './dependencies.js';
import { recordReconcileRun } from './record-reconcile-run.js';

export interface ReconcileEnd {
  run: Omit<ReconcileRunRecord, 'status'>;
  /** Whether nothing is to be written. */
  plan: boolean;
  /** What a delta knew at its beginning. */
  earlier: EarlierReconciles | null;
  /** Whether a delta ends though the counts ask for a sweep: the list that a sweep reads cannot be had. */
  isFinal?: boolean;
}

export interface EndedReconcile {
  counts: Counts;
  /** After a delta: it has not ended, for the counts ask for a sweep. */
  sweepIsDue: boolean;
  webhooks?: WebhookVerdict;
}

/**
 * Counts both sides once more, after everything was read, so that a change in between does not look like a loss; and
 * records the run as completed.
 *
 * @throws what {@link compareCounts} and {@link recordReconcileRun} throw, all retried.
 */
export async function endReconcile(
  deps: ActivityDependencies,
  { run, plan, earlier, isFinal = false }: ReconcileEnd,
): Promise<EndedReconcile> {
  const isDelta = run.kind === 'delta';
  const counts = await compareCounts(deps, isDelta ? earlier : null);
  // Earlier runs are timed by Postgres' clock.
  if (isDelta && !isFinal && sweepIsDue(earlier, counts, (await readClock(deps.db)).nowMs))
    return { counts, sweepIsDue: true };
  if (plan) return { counts, sweepIsDue: false };
  const totals = addTotals(run.totals, { ...noTotals(), clerkRequests: 1 });
  const { clerkUsers, liveRows, uncounted } = counts;
  const problems = new Set([...(run.problems ?? []), ...(uncounted === undefined ? [] : [uncounted])]);
  const recorded = await recordReconcileRun(deps, {
    ...run,
    clerkUsers,
    liveRows,
    totals,
    problems: [...problems],
    status: 'completed',
  });
  return { counts, sweepIsDue: false, ...recorded };
}
