import { setTimeout } from 'node:timers/promises';
import {
  CancelledFailure,
  type Client,
  WorkflowFailedError,
  type WorkflowHandleWithFirstExecutionRunId,
} from '@temporalio/client';
import { reconcileByHandWorkflowId, SYNC_TASK_QUEUE } from '../names.js';
import {
  type ReconcileInput,
  type ReconcileResult,
  type ReconcileStatus,
  reconcileStatus,
} from '../workflows/reconcile-messages.js';
import { reconcileUsers } from '../workflows/reconcile-users.js';
import type { ReconcileProgress } from './reconcile-progress.js';

const POLL_MS = 500;
const QUERY_TIMEOUT_MS = 5_000;
/** A worker that is busy, or begins just now, answers within seconds. */
const NO_WORKER_AFTER_MS = 10_000;

/**
 * Starts a reconcile of its own, beside those of the Schedules, and waits for its end.
 *
 * @param cancel asks it to end when it aborts; what it repaired by then stays.
 * @returns its result, or null when it was cancelled.
 * @throws Error when it failed or was terminated; Temporal's errors when Temporal does not answer.
 */
export async function runReconcile(
  client: Client,
  input: ReconcileInput,
  progress: ReconcileProgress,
  cancel: AbortSignal,
): Promise<ReconcileResult | null> {
  const handle = await client.workflow.start(reconcileUsers, {
    workflowId: reconcileByHandWorkflowId(Date.now()),
    taskQueue: SYNC_TASK_QUEUE,
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
  const following = follow(client, handle, progress, ended.signal);
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

/** Asks how far it is until `ended` aborts, and tells when nobody answers. */
async function follow(
  client: Client,
  handle: WorkflowHandleWithFirstExecutionRunId<typeof reconcileUsers>,
  progress: ReconcileProgress,
  ended: AbortSignal,
): Promise<void> {
  let answeredMs = performance.now();
  let told = false;
  while (!ended.aborted) {
    const status = await ask(client, handle, ended);
    if (status !== null) {
      progress.show(status);
      answeredMs = performance.now();
      told = false;
    } else if (!ended.aborted && !told && performance.now() - answeredMs > NO_WORKER_AFTER_MS) {
      progress.say('No worker answers: start one with `clerk-sync worker`. Waiting for it.');
      told = true;
    }
    await setTimeout(POLL_MS, undefined, { signal: ended }).catch(() => undefined);
  }
}

/** @returns null when nobody answers in time; why not does not matter, for the result comes another way. */
async function ask(
  client: Client,
  handle: WorkflowHandleWithFirstExecutionRunId<typeof reconcileUsers>,
  ended: AbortSignal,
): Promise<ReconcileStatus | null> {
  const limit = AbortSignal.any([ended, AbortSignal.timeout(QUERY_TIMEOUT_MS)]);
  const answer = client.withAbortSignal(limit, () => handle.query(reconcileStatus)).catch(() => null);
  // The SDK goes on trying for a while, whatever its signal says.
  return Promise.race([answer, setTimeout(QUERY_TIMEOUT_MS, null, { signal: ended }).catch(() => null)]);
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
