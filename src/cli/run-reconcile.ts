import { CancelledFailure, type Client, WorkflowFailedError } from '@temporalio/client';
import type { Names } from '../names.js';
import type { ReconcileInput, ReconcileResult } from '../workflows/reconcile-messages.js';
import { reconcileUsers } from '../workflows/reconcile-users.js';
import { followReconcile } from './follow-reconcile.js';
import type { ReconcileProgress } from './reconcile-progress.js';

/**
 * Starts a reconcile of its own, beside those of the Schedules, and waits for its end.
 *
 * @param cancel asks it to end when it aborts; what it repaired by then stays.
 * @returns its result, or null when it was cancelled.
 * @throws Error when it failed or was terminated; Temporal's errors when Temporal does not answer.
 */
export async function runReconcile(
  client: Client,
  names: Names,
  input: ReconcileInput,
  progress: ReconcileProgress,
  cancel: AbortSignal,
): Promise<ReconcileResult | null> {
  const handle = await client.workflow.start(reconcileUsers, {
    workflowId: names.reconcileByHandWorkflowId(Date.now()),
    taskQueue: names.syncTaskQueue,
    args: [input],
  });
  progress.say(`Started ${handle.workflowId}.`);
  const ended = new AbortController();
  const cancelIt = () => {
    progress.say('Cancelling the reconcile; what it repaired stays repaired. Ctrl-C again leaves at once.');
    handle.cancel().catch((error: unknown) => progress.say(`It cannot be cancelled: ${messageOf(error)}`));
  };
  if (cancel.aborted) cancelIt();
  else cancel.addEventListener('abort', cancelIt, { once: true });
  const following = followReconcile(client, handle, progress, ended.signal);
  let result: ReconcileResult | undefined;
  try {
    result = await handle.result();
    return result;
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    if (error.cause instanceof CancelledFailure) return null;
    throw new Error(`The reconcile ${handle.workflowId} did not succeed: ${messageOf(error.cause)}`, {
      cause: error,
    });
  } finally {
    cancel.removeEventListener('abort', cancelIt);
    ended.abort();
    await following;
    progress.stop(result);
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
