import { SYNC_TASK_QUEUE, syncUserWorkflowId } from '../names.js';
import type { SyncUserInput } from '../workflows/sync-user-messages.js';

/** How a user's run is started, whatever starts it. */
export function userRun(input: SyncUserInput) {
  return {
    workflowId: syncUserWorkflowId(input.clerkUserId),
    taskQueue: SYNC_TASK_QUEUE,
    args: [input] as [SyncUserInput],
    staticSummary: `Keeps ${input.clerkUserId} equal to Clerk`,
  };
}
