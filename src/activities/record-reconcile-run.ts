import { activityInfo, log } from '@temporalio/activity';
import { forgetSettledCandidates } from '../db/deletion-candidates.js';
import { giveBackEmails } from '../db/give-back-emails.js';
import { isFirstRunOfDay } from '../db/is-first-run-of-day.js';
import { judgeWebhooks } from '../db/judge-webhooks.js';
import { lastWebhookVerdict } from '../db/last-webhook-verdict.js';
import { pruneReconcileRuns } from '../db/prune-reconcile-runs.js';
import { type ReconcileRunRecord, recordReconcileRun as record } from '../db/record-reconcile-run.js';
import { resolveOutlivedFailures } from '../db/sync-failures.js';
import { countTombstonesToErase } from '../db/tombstones-to-erase.js';
import type { WebhookVerdict } from '../drift.js';
import { failureCode } from '../failures.js';
import { ERASE_DELETED_USERS, PRUNE_USER_CHANGES } from '../names.js';
import type { ActivityDependencies } from './dependencies.js';
import { startUnlessOpen } from './start-unless-open.js';

export type { ReconcileRunRecord };

const SAYS = {
  ok: 'Webhooks arrive again',
  silent: 'No webhook brings a change, though users change: see clerk-sync status',
  lossy: 'Webhooks get lost: much had to be repaired that they should have brought; see clerk-sync status',
} as const;

/**
 * Writes where a reconcile stands. At its end it judges by what was repaired whether webhooks arrive, gives back e-mails
 * that are free again, and after a sweep forgets old runs. What may take longer is left to workflows of their own, which
 * it starts: erasing deleted users whose time has come, and once a day removing old entries of the log.
 *
 * @throws POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 */
export async function recordReconcileRun(
  deps: ActivityDependencies,
  run: ReconcileRunRecord,
): Promise<{ webhooks?: WebhookVerdict }> {
  if (run.status !== 'completed') {
    await record(deps.db, run, activityInfo().currentAttemptScheduledTimestampMs);
    return {};
  }
  const [{ verdict: webhooks, repaired, delivered }, lastVerdict, erasing, prunes] = await Promise.all([
    judgeWebhooks(deps.db),
    lastWebhookVerdict(deps.db),
    countTombstonesToErase(deps.db, deps.deletion),
    deps.userChangesRetentionDays ? isFirstRunOfDay(deps.db) : false,
  ]);
  // Once, and not at each tick.
  if (webhooks !== (lastVerdict ?? 'ok'))
    log[webhooks === 'ok' ? 'info' : 'warn'](SAYS[webhooks], { repaired, delivered });
  const clearing =
    run.kind === 'sweep' ? [forgetSettledCandidates(deps.db), pruneReconcileRuns(deps.db)] : [];
  const completed = { ...run, webhooks, ...(erasing && { toErase: erasing.toErase }) };
  const scheduledMs = activityInfo().currentAttemptScheduledTimestampMs;
  await Promise.all([
    record(deps.db, completed, scheduledMs),
    settleUsers(deps, run, scheduledMs),
    ...clearing,
  ]);
  if (erasing?.isDue) await start(ERASE_DELETED_USERS, 'eraseDeletedUsersWorkflowId', 'Erases deleted users');
  if (prunes)
    await start(PRUNE_USER_CHANGES, 'pruneUserChangesWorkflowId', 'Removes old entries of user_changes');
  return { webhooks };
}

/** One after the other: a user who has the address back has no failure any more, and both ends write users. */
async function settleUsers(
  deps: ActivityDependencies,
  { kind, startedAtMs }: ReconcileRunRecord,
  scheduledMs: number,
): Promise<void> {
  await giveBackFreeEmails(deps);
  await resolveOutlivedFailures(deps.db, kind === 'sweep' ? { ms: startedAtMs, scheduledMs } : null);
}

/** To those whose address another row had. */
async function giveBackFreeEmails({ db }: ActivityDependencies): Promise<void> {
  try {
    await giveBackEmails(db);
  } catch (error) {
    const code = failureCode(error);
    if (code !== 'ROW_REJECTED') throw error;
    log.error('An e-mail could not be given back', { code });
  }
}

/** The run is recorded, and the next one tries again. */
async function start(...workflow: Parameters<typeof startUnlessOpen>): Promise<void> {
  try {
    await startUnlessOpen(...workflow);
  } catch (error) {
    log.warn('A workflow that clears away was not started', { code: failureCode(error) });
  }
}
