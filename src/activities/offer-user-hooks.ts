import { setTimeout } from 'node:timers/promises';
import { getClient } from '@temporalio/activity';
import { failure } from '../failures.js';
import { HOOKS_PENDING_SIGNAL, RUN_USER_HOOKS, SYNC_TASK_QUEUE, userHooksWorkflowId } from '../names.js';

/** Longer, and an activity that has something else to do would be late. */
const DEADLINE_MS = 2_000;

/**
 * Asks the user's workflow to run the hooks of what is pending, starting it if it does not run. One that is just about
 * to close does not, for the signal is in time: it looks once more.
 *
 * @throws TEMPORAL_UNAVAILABLE (retried). The signal may have arrived all the same.
 * @remarks Safe to repeat: what is pending stands in the table, and the signal carries nothing.
 */
export async function offerUserHooks(clerkUserId: string): Promise<void> {
  const done = new AbortController();
  // The SDK's client has no deadline of its own over a worker's connection.
  const late = setTimeout(DEADLINE_MS, undefined, { signal: done.signal, ref: false }).then(() => {
    throw new Error(`No answer within ${DEADLINE_MS} ms.`);
  });
  try {
    const signalled = getClient().workflow.signalWithStart(RUN_USER_HOOKS, {
      workflowId: userHooksWorkflowId(clerkUserId),
      taskQueue: SYNC_TASK_QUEUE,
      args: [{ clerkUserId }],
      signal: HOOKS_PENDING_SIGNAL,
      staticSummary: `Runs the hooks of ${clerkUserId}`,
    });
    await Promise.race([signalled, late]);
  } catch (cause) {
    throw failure('TEMPORAL_UNAVAILABLE', `The hooks of ${clerkUserId} were not offered.`, { cause });
  } finally {
    done.abort();
    late.catch(() => undefined);
  }
}
