import { continueAsNew, setCurrentDetails, workflowInfo } from '@temporalio/workflow';
import type { PrunedChanges } from '../activities/prune-changes.js';
import { inPostgres } from './reconcile-activities.js';

/**
 * Removes entries of `user_changes` that are older than USER_CHANGES_RETENTION_DAYS. The first reconcile of a day that is
 * completed starts it.
 *
 * @param done what the runs before did, where this one goes on with the work of others.
 */
export async function pruneUserChanges(
  done: PrunedChanges = { removed: 0, after: null },
): Promise<{ removed: number }> {
  let { removed, after } = done;
  for (;;) {
    const step: PrunedChanges = await inPostgres.pruneChanges(after);
    removed += step.removed;
    after = step.after;
    setCurrentDetails(`${removed} old entries of user_changes removed.`);
    if (after === null) return { removed };
    if (workflowInfo().continueAsNewSuggested)
      await continueAsNew<typeof pruneUserChanges>({ removed, after });
  }
}
