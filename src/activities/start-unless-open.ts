import { activityInfo, getClient } from '@temporalio/activity';
import { type Names, namesBeside } from '../names.js';
import { byDeadline } from './by-deadline.js';

/**
 * Starts a workflow that clears something away, unless one of that ID is open.
 *
 * @param id which of the service's workflow IDs.
 *
 * @throws TEMPORAL_UNAVAILABLE (retried). It may have been started all the same.
 */
export async function startUnlessOpen(
  workflowType: string,
  id: 'eraseDeletedUsersWorkflowId' | 'pruneUserChangesWorkflowId',
  staticSummary: string,
): Promise<void> {
  const names: Names = namesBeside(activityInfo().taskQueue);
  await byDeadline(
    getClient().workflow.start(workflowType, {
      workflowId: names[id],
      taskQueue: names.syncTaskQueue,
      args: [],
      staticSummary,
      workflowIdConflictPolicy: 'USE_EXISTING',
    }),
    `${names[id]} was not started.`,
  );
}
