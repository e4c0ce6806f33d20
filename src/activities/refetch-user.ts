import { cancellationSignal } from '@temporalio/activity';
import { getUser } from '../clerk/get-user.js';
import { toUserSnapshot } from '../clerk/to-user-snapshot.js';
import { applySnapshots } from '../db/apply-snapshots.js';
import { failure } from '../failures.js';
import type { Outcome, RefetchChange } from '../user-change.js';
import type { ActivityDependencies } from './dependencies.js';
import { outcomeOf } from './outcome-of.js';
import { requireInstance } from './require-instance.js';

/**
 * Asks Clerk for one user and writes what it shows. Spends one request; the first of a worker two.
 *
 * @returns the outcome. `ignored`: Clerk does not have the user; the change was a phantom, such as the dashboard's
 *   "Send Example", or its deletion is under way.
 * @throws INSTANCE_MISMATCH, ROW_REJECTED, USER_UNUSABLE or MAPPING_FAILED (not retried: the workflow parks); every other failure is retried.
 * @remarks Safe to repeat, and to run beside any other writer: the freshness rule decides in the statement. A request
 *   ends with its own limit, and when the attempt is cancelled.
 */
export async function refetchUser(
  deps: ActivityDependencies,
  // An operator's `syncNow`, sent by hand, names no instance.
  { clerkUserId, writer, instanceId: named = null }: RefetchChange,
): Promise<{ outcome: Outcome }> {
  // Another instance's key finds nobody, and the change would be taken for a phantom.
  const instanceId = await requireInstance(deps);
  if (named !== null && named !== instanceId)
    throw failure('INSTANCE_MISMATCH', `The event is of ${named}, the table of ${instanceId}.`);
  const { user, observedAtMs } = await getUser(deps.clerk, clerkUserId, cancellationSignal());
  // No user is no deletion: a wrong key, or a list that lags behind, says the same. That is for an event, or for a
  // reconcile, which has a witness.
  if (user === null) return { outcome: 'ignored' };
  const { keepPrivateMetadata, mapping } = deps;
  const snapshot = toUserSnapshot(user, { observedAtMs, observedVia: 'api', keepPrivateMetadata, mapping });
  return outcomeOf(await applySnapshots(deps.db, [snapshot], writer, instanceId));
}
