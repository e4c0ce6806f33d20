import { activityInfo } from '@temporalio/activity';
import { countStayingRows } from '../db/count-staying-rows.js';
import { readEndedRun } from '../db/read-ended-run.js';
import type { ReconcileTotals } from '../reconcile-totals.js';
import type { BegunDelta, BegunSweep } from './begin-reconcile.js';
import type { ActivityDependencies } from './dependencies.js';
import type { ReconcilePreparation } from './prepare-reconcile.js';

/**
 * Whether a reconcile has ended in an attempt that was lost before it could say so. Done again, it would take itself for
 * an earlier one, and its record would lose what was repaired. What that attempt may not have cleared away, the next
 * reconcile does.
 *
 * @returns what that attempt would have; null where there was none, or it did not come to the end.
 * @throws POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 */
export async function endedBefore(
  { db }: ActivityDependencies,
  id: string,
  prepared: ReconcilePreparation,
): Promise<BegunDelta | BegunSweep | null> {
  if (activityInfo().attempt === 1) return null;
  const run = await readEndedRun(db, id);
  if (run === null) return null;
  const { totals, clerkUsers, liveRows, webhooks } = run;
  const staying = run.kind === 'sweep' ? await countStayingRows(db) : {};
  const counts = { clerkUsers, liveRows, ...staying };
  const ended = { counts, sweepIsDue: false, ...(webhooks && { webhooks }) };
  if (run.kind === 'delta') {
    const page = { totals: withoutCounting(totals, 1), nextOffset: null };
    return { ...prepared, kind: 'delta', page, ended };
  }
  const compared = { totals: withoutCounting(totals, 2), next: null, witnessIds: [], hasCandidates: false };
  return { ...prepared, kind: 'sweep', counts, bounds: null, compared, ended };
}

/** The run adds the requests that counted by itself: at its end, and where a sweep begins. */
const withoutCounting = (totals: ReconcileTotals, requests: number): ReconcileTotals => ({
  ...totals,
  clerkRequests: totals.clerkRequests - requests,
});
