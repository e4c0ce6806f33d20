import { activityInfo, getClient } from '@temporalio/activity';
import { HOOKS_PENDING_SIGNAL, namesBeside, RUN_USER_HOOKS } from '../names.js';
import { byDeadline } from './by-deadline.js';

/**
 * Asks the user's workflow to run the hooks of what is pending, starting it if it does not run. One that is just about
 * to close does not, for the signal is in time: it looks once more.
 *
 * @throws TEMPORAL_UNAVAILABLE (retried). The signal may have arrived all the same.
 * @remarks Safe to repeat: what is pending stands in the table, and the signal carries nothing.
 */
export async function offerUserHooks(clerkUserId: string): Promise<void> {
  const names = namesBeside(activityInfo().taskQueue);
  await byDeadline(
    getClient().workflow.signalWithStart(RUN_USER_HOOKS, {
      workflowId: names.userHooksWorkflowId(clerkUserId),
      taskQueue: names.syncTaskQueue,
      args: [{ clerkUserId }],
      signal: HOOKS_PENDING_SIGNAL,
      staticSummary: `Runs the hooks of ${clerkUserId}`,
    }),
    `The hooks of ${clerkUserId} were not offered.`,
  );
}
