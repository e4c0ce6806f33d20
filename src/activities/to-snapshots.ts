import type { UserPage } from '../clerk/list-users.js';
import { toUserSnapshot } from '../clerk/to-user-snapshot.js';
import type { UserSnapshot } from '../user-change.js';
import type { ActivityDependencies } from './dependencies.js';

/**
 * Turns a page of Clerk's list into snapshots.
 *
 * @param onUnusable is told of a user that lacks its id or times, or that the mapping fails for; the others are not the
 *   worse for it.
 */
export async function toSnapshots(
  { keepPrivateMetadata, mapping }: Pick<ActivityDependencies, 'keepPrivateMetadata' | 'mapping'>,
  { users, observedAtMs }: UserPage,
  onUnusable: (clerkUserId: string, error: unknown) => Promise<void>,
): Promise<UserSnapshot[]> {
  const snapshots: UserSnapshot[] = [];
  for (const user of users) {
    try {
      const observation = { observedAtMs, observedVia: 'api', keepPrivateMetadata, mapping } as const;
      snapshots.push(toUserSnapshot(user, observation));
    } catch (error) {
      await onUnusable(String(user.id), error);
    }
  }
  return snapshots;
}
