import type { DeletedUser } from '../db/apply-deletions.js';
import { eraseDeletedUsers } from '../db/erase-deleted-users.js';
import type { ActivityDependencies } from './dependencies.js';

/**
 * Erases those who were just marked as deleted, unless the settings hold them back; the end of a sweep sees to those.
 *
 * @throws what {@link eraseDeletedUsers} throws.
 */
export async function eraseAtOnce(
  { db, deletion, mapping }: ActivityDependencies,
  marked: readonly DeletedUser[],
): Promise<void> {
  if (deletion.holdbackMs > 0) return;
  // An attempt before this one may have marked a row and ended there.
  const tombstones = marked.filter(({ outcome }) => outcome === 'deleted' || outcome === 'unchanged');
  await eraseDeletedUsers(db, {
    ...deletion,
    mapped: mapping?.columns ?? [],
    clerkUserIds: tombstones.map(({ clerkUserId }) => clerkUserId),
  });
}
