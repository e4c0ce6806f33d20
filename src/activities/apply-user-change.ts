import { toUserSnapshot } from '../clerk/to-user-snapshot.js';
import { applyDeletions } from '../db/apply-deletions.js';
import { applySnapshots } from '../db/apply-snapshots.js';
import type { FactChange, Outcome } from '../user-change.js';
import type { ActivityDependencies } from './dependencies.js';
import { eraseAtOnce } from './erase-at-once.js';
import { outcomeOf } from './outcome-of.js';

/**
 * Applies what Clerk said of a user to the row. Needs Postgres only. A deletion erases at once what the settings do not
 * keep or hold back.
 *
 * @throws INSTANCE_MISMATCH, ROW_REJECTED, USER_UNUSABLE or MAPPING_FAILED (not retried: the workflow parks); every other failure is retried.
 * @remarks Safe to repeat, and to run beside any other writer: the freshness rule decides in the statement.
 */
export async function applyUserChange(
  deps: ActivityDependencies,
  change: FactChange,
): Promise<{ outcome: Outcome }> {
  const { clerkUserId, writer, observedAtMs, instanceId } = change;
  if (change.kind === 'deletion') {
    const deletion = { clerkUserId, deletedAtMs: observedAtMs };
    const options = { observedVia: 'webhook', writer, markUnknown: true, instanceId } as const;
    const marked = await applyDeletions(deps.db, [deletion], options);
    await eraseAtOnce(deps, marked);
    return outcomeOf(marked);
  }
  const { keepPrivateMetadata, mapping } = deps;
  const observation = { observedAtMs, observedVia: 'webhook', keepPrivateMetadata, mapping } as const;
  const snapshot = toUserSnapshot(change.user, observation);
  return outcomeOf(await applySnapshots(deps.db, [snapshot], writer, instanceId));
}
