import { toUserSnapshot } from '../clerk/to-user-snapshot.js';
import { type AppliedUser, applySnapshots } from '../db/apply-snapshots.js';
import { findNews } from '../db/find-news.js';
import { resolveSyncFailures } from '../db/sync-failures.js';
import { failureCode } from '../failures.js';
import { noTotals, type ReconcileTotals } from '../reconcile-totals.js';
import type { JsonObject, UserSnapshot } from '../user-change.js';
import type { ActivityDependencies } from './dependencies.js';
import { recordRefused } from './record-refused.js';

/**
 * Compares a page of Clerk's users with the table, and writes the news in one statement. If Postgres refuses a row, they are written one by one, so that
 * one bad user costs nobody else; that one is counted as failed and recorded.
 *
 * @param users as the Backend API listed them.
 * @param observedAtMs when the request started, Unix milliseconds.
 */
export async function applyPage(
  deps: ActivityDependencies,
  users: readonly JsonObject[],
  observedAtMs: number,
): Promise<ReconcileTotals> {
  const totals = noTotals();
  totals.seen = users.length;
  const snapshots: UserSnapshot[] = [];
  for (const user of users) {
    try {
      snapshots.push(
        toUserSnapshot(user, {
          observedAtMs,
          observedVia: 'api',
          keepPrivateMetadata: deps.keepPrivateMetadata,
        }),
      );
    } catch (error) {
      await recordRefused(deps, String(user.id), error);
      totals.failed += 1;
    }
  }
  const { newer, stale } = await findNews(deps.db, snapshots);
  totals.stale = stale.size;
  totals.unchanged = snapshots.length - newer.size - stale.size;
  const news = snapshots.filter(({ clerkUserId }) => newer.has(clerkUserId));
  try {
    count(await applySnapshots(deps.db, news, 'reconcile'), totals);
    await resolveSyncFailures(deps.db, [...newer]);
  } catch (error) {
    if (failureCode(error) !== 'ROW_REJECTED') throw error;
    for (const snapshot of news) {
      try {
        count(await applySnapshots(deps.db, [snapshot], 'reconcile'), totals);
        await resolveSyncFailures(deps.db, [snapshot.clerkUserId]);
      } catch (rejected) {
        await recordRefused(deps, snapshot.clerkUserId, rejected);
        totals.failed += 1;
      }
    }
  }
  return totals;
}

function count(applied: readonly AppliedUser[], totals: ReconcileTotals): void {
  for (const { outcome } of applied) if (outcome !== 'ignored') totals[outcome] += 1;
}
