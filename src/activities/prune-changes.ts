import { cancellationSignal } from '@temporalio/activity';
import { type ChangePlace, pruneUserChanges } from '../db/prune-user-changes.js';
import type { ActivityDependencies } from './dependencies.js';

const AT_ONCE = 2_000;
/** With the longest statement after it, the attempt still ends before Temporal gives it up. */
const LONGEST_MS = 15_000;

export interface PrunedChanges {
  removed: number;
  /** Where the next step goes on; null once all were looked at. */
  after: ChangePlace | null;
}

/**
 * Removes entries of `user_changes` that are older than USER_CHANGES_RETENTION_DAYS, for so long as one task may take.
 *
 * @throws POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 * @remarks Safe to repeat, and to cancel.
 */
export async function pruneChanges(
  { db, userChangesRetentionDays: retentionDays = 0 }: ActivityDependencies,
  after: ChangePlace | null,
): Promise<PrunedChanges> {
  if (retentionDays === 0) return { removed: 0, after: null };
  const endMs = performance.now() + LONGEST_MS;
  const pruned: PrunedChanges = { removed: 0, after };
  do {
    cancellationSignal().throwIfAborted();
    const step = await pruneUserChanges(db, { retentionDays, after: pruned.after, most: AT_ONCE });
    pruned.removed += step.removed;
    pruned.after = step.after;
  } while (pruned.after !== null && performance.now() < endMs);
  return pruned;
}
