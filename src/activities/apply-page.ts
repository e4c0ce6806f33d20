import { activityInfo, log } from '@temporalio/activity';
import { toUserSnapshot } from '../clerk/to-user-snapshot.js';
import { type AppliedUser, applySnapshots } from '../db/apply-snapshots.js';
import { findNews } from '../db/find-news.js';
import { recordSyncFailure, resolveSyncFailures } from '../db/sync-failures.js';
import { failureCode } from '../failures.js';
import { noTotals, type ReconcileTotals } from '../reconcile-totals.js';
import type { JsonObject, UserSnapshot } from '../user-change.js';
import type { ActivityDependencies } from './dependencies.js';

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
      await recordFailed(deps, String(user.id), error, totals);
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
        await recordFailed(deps, snapshot.clerkUserId, rejected, totals);
      }
    }
  }
  return totals;
}

function count(applied: readonly AppliedUser[], totals: ReconcileTotals): void {
  for (const { outcome } of applied) if (outcome !== 'ignored') totals[outcome] += 1;
}

/** @throws the error itself unless it is one that no retry can cure. */
async function recordFailed(
  deps: ActivityDependencies,
  clerkUserId: string,
  error: unknown,
  totals: ReconcileTotals,
): Promise<void> {
  const code = failureCode(error);
  if (code !== 'ROW_REJECTED' && code !== 'USER_UNUSABLE') throw error;
  const { workflowExecution } = activityInfo();
  const message = error instanceof Error ? error.message : code;
  log.error('A user could not be written', { clerkUserId, code });
  await recordSyncFailure(deps.db, {
    clerkUserId,
    code,
    message,
    ...idsOf(workflowExecution),
    parked: false,
  });
  totals.failed += 1;
}

const idsOf = (execution: { workflowId: string; runId: string } | undefined) => ({
  workflowId: execution?.workflowId ?? '',
  runId: execution?.runId ?? '',
});
