import { getClient } from '@temporalio/activity';
import { SYNC_TASK_QUEUE } from '../names.js';
import { byDeadline } from './by-deadline.js';

/**
 * Starts a workflow that clears something away, unless one of that ID is open.
 *
 * @throws TEMPORAL_UNAVAILABLE (retried). It may have been started all the same.
 */
export async function startUnlessOpen(
  workflowType: string,
  workflowId: string,
  staticSummary: string,
): Promise<void> {
  await byDeadline(
    getClient().workflow.start(workflowType, {
      workflowId,
      taskQueue: SYNC_TASK_QUEUE,
      args: [],
      staticSummary,
      workflowIdConflictPolicy: 'USE_EXISTING',
    }),
    `${workflowId} was not started.`,
  );
}
