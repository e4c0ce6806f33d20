import type { Names } from '../names.js';
import type { SyncUserInput } from '../workflows/sync-user-messages.js';

/** How a user's run is started, whatever starts it. */
export function userRun(names: Names, input: SyncUserInput) {
  return {
    workflowId: names.syncUserWorkflowId(input.clerkUserId),
    taskQueue: names.syncTaskQueue,
    args: [input] as [SyncUserInput],
    staticSummary: `Keeps ${input.clerkUserId} equal to Clerk`,
  };
}
