import { log } from '@temporalio/activity';
import { forgetSettledCandidates } from '../db/deletion-candidates.js';
import { eraseDeletedUsers } from '../db/erase-deleted-users.js';
import { giveBackEmails } from '../db/give-back-emails.js';
import { judgeWebhooks } from '../db/judge-webhooks.js';
import { lastWebhookVerdict } from '../db/last-webhook-verdict.js';
import { pruneReconcileRuns } from '../db/prune-reconcile-runs.js';
import { type ReconcileRunRecord, recordReconcileRun as record } from '../db/record-reconcile-run.js';
import { resolveOutlivedFailures } from '../db/sync-failures.js';
import type { WebhookVerdict } from '../drift.js';
import { failureCode } from '../failures.js';
import type { ActivityDependencies } from './dependencies.js';

export type { ReconcileRunRecord };

/** So many tombstones are erased at the end of one sweep, each alone if one is refused; the next sweep goes on. */
const MOST_ERASED = 100;

const SAYS = {
  ok: 'Webhooks arrive again',
  silent: 'No webhook brings a change, though users change: see clerk-sync status',
  lossy: 'Webhooks get lost: much had to be repaired that they should have brought; see clerk-sync status',
} as const;

/**
 * Writes where a reconcile stands. At its end it judges by what was repaired whether webhooks arrive, gives back e-mails
 * that are free again, and after a sweep clears away what is old.
 *
 * @throws POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 */
export async function recordReconcileRun(
  deps: ActivityDependencies,
  run: ReconcileRunRecord,
): Promise<{ webhooks?: WebhookVerdict }> {
  if (run.status !== 'completed') {
    await record(deps.db, run);
    return {};
  }
  const [{ verdict: webhooks, repaired, delivered }, lastVerdict] = await Promise.all([
    judgeWebhooks(deps.db, Date.now()),
    lastWebhookVerdict(deps.db),
  ]);
  // Once, and not at each tick.
  if (webhooks !== (lastVerdict ?? 'ok'))
    log[webhooks === 'ok' ? 'info' : 'warn'](SAYS[webhooks], { repaired, delivered });
  const clearing =
    run.kind === 'sweep' ? [forgetSettledCandidates(deps.db), pruneReconcileRuns(deps.db)] : [];
  await Promise.all([record(deps.db, { ...run, webhooks }), settleUsers(deps, run), ...clearing]);
  return { webhooks };
}

/** One after the other: a user who has the address back has no failure any more, and both ends write users. */
async function settleUsers(
  deps: ActivityDependencies,
  { kind, startedAtMs }: ReconcileRunRecord,
): Promise<void> {
  await giveBackFreeEmails(deps);
  await resolveOutlivedFailures(deps.db, kind === 'sweep' ? startedAtMs : null);
  if (kind === 'sweep') await eraseOverdue(deps);
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

/** What a holdback, a crash or another mode had left. */
async function eraseOverdue({ db, deletion, mapping }: ActivityDependencies): Promise<void> {
  try {
    await eraseDeletedUsers(db, { ...deletion, mapped: mapping?.columns ?? [], most: MOST_ERASED });
  } catch (error) {
    const code = failureCode(error);
    if (code !== 'ROW_REJECTED' && code !== 'POSTGRES_UNAVAILABLE') throw error;
    log.error('Deleted users could not be erased', { code });
  }
}
