import { cancellationSignal } from '@temporalio/activity';
import { getUser } from '../clerk/get-user.js';
import { toUserSnapshot } from '../clerk/to-user-snapshot.js';
import { applyDeletions } from '../db/apply-deletions.js';
import { applySnapshots } from '../db/apply-snapshots.js';
import { failure } from '../failures.js';
import type { ObservedVia, Outcome, UserChange } from '../user-change.js';
import type { ActivityDependencies } from './dependencies.js';
import { eraseAtOnce } from './erase-at-once.js';
import { requireInstance } from './require-instance.js';

/**
 * Applies one change to the user's row; a refetch asks Clerk first. A deletion erases at once what the settings do not
 * keep or hold back.
 *
 * @returns the outcome. `ignored`: Clerk, asked, does not have the user; the change was a phantom, such as the
 *   dashboard's "Send Example", or its deletion is under way.
 * @throws ROW_REJECTED, USER_UNUSABLE or MAPPING_FAILED (not retried: the workflow parks); every other failure is retried.
 * @remarks Safe to repeat, and to run beside any other writer: the freshness rule decides in the statement.
 */
export async function applyUserChange(
  deps: ActivityDependencies,
  change: UserChange,
): Promise<{ outcome: Outcome }> {
  const { clerkUserId, writer } = change;
  const snapshotOf = (
    user: Parameters<typeof toUserSnapshot>[0],
    observedAtMs: number,
    observedVia: ObservedVia,
  ) => {
    const { keepPrivateMetadata, mapping } = deps;
    return toUserSnapshot(user, { observedAtMs, observedVia, keepPrivateMetadata, mapping });
  };

  switch (change.kind) {
    case 'snapshot':
      return only(
        await applySnapshots(deps.db, [snapshotOf(change.user, change.observedAtMs, 'webhook')], writer),
      );
    case 'deletion': {
      const deletion = { clerkUserId, deletedAtMs: change.observedAtMs };
      const options = { observedVia: 'webhook', writer, markUnknown: true } as const;
      const marked = await applyDeletions(deps.db, [deletion], options);
      await eraseAtOnce(deps, marked);
      return only(marked);
    }
    case 'refetch': {
      // Another instance's key finds nobody, and the change would be taken for a phantom.
      await requireInstance(deps);
      const { user, observedAtMs } = await getUser(deps.clerk, clerkUserId, cancellationSignal());
      // No user is no deletion: a wrong key, or a list that lags behind, says the same. That is for an event, or for a
      // reconcile, which has a witness.
      if (user === null) return { outcome: 'ignored' };
      return only(await applySnapshots(deps.db, [snapshotOf(user, observedAtMs, 'api')], writer));
    }
  }
}

function only(results: { outcome: Outcome }[]): { outcome: Outcome } {
  const [result] = results;
  if (result === undefined) throw failure('POSTGRES_UNAVAILABLE', 'The statement returned no outcome.');
  return { outcome: result.outcome };
}
