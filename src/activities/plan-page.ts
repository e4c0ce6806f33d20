import type { UserPage } from '../clerk/list-users.js';
import { findDrift } from '../db/find-drift.js';
import { findNews } from '../db/find-news.js';
import { findUnlistedUsers, type UnlistedQuery } from '../db/find-unlisted-users.js';
import type { PlannedPage } from '../planned.js';
import { noTotals } from '../reconcile-totals.js';
import { type AppliedPage, witnessesAmong } from './apply-page.js';
import type { ActivityDependencies } from './dependencies.js';
import { toSnapshots } from './to-snapshots.js';

/** So that no page takes all the examples of a plan. */
const MOST_EXAMPLES = 20;

/** As `applyPage`, but tells only, and writes nothing. Users that cannot be written count as failed. */
export async function planPage(
  deps: ActivityDependencies,
  page: UserPage,
  missing: UnlistedQuery,
): Promise<AppliedPage & { planned: PlannedPage }> {
  const totals = noTotals();
  totals.seen = page.users.length;
  const snapshots = await toSnapshots(deps, page, async () => {
    totals.failed += 1;
  });
  const { newer, stale } = await findNews(deps.db, snapshots);
  const news = snapshots.filter(({ clerkUserId }) => newer.has(clerkUserId));
  const { drifts } = await findDrift(deps.db, news);
  const planned: PlannedPage = {
    fields: {},
    examples: [],
    unlistedIds: await findUnlistedUsers(deps.db, missing, { withGone: true }),
  };
  for (const { clerkUserId, outcome, changedFields, sinceMs } of drifts) {
    totals[outcome] += 1;
    for (const field of changedFields) planned.fields[field] = (planned.fields[field] ?? 0) + 1;
    const label = outcome === 'updated' ? 'missed_update' : 'missed_create';
    if (planned.examples.length < MOST_EXAMPLES)
      planned.examples.push({ clerkUserId, label, fields: changedFields, sinceMs });
  }
  totals.stale = stale.size;
  totals.unchanged = snapshots.length - drifts.length - stale.size;
  return { totals, witnessIds: witnessesAmong(snapshots, newer), planned };
}
