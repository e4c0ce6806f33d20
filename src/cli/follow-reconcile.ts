import { setTimeout } from 'node:timers/promises';
import type { Client, WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { reconcileStatus } from '../workflows/reconcile-messages.js';
import type { reconcileUsers } from '../workflows/reconcile-users.js';
import { pendingFailures, pendingFailureText } from './pending-failures.js';
import type { ReconcileProgress } from './reconcile-progress.js';

const POLL_MS = 500;
const ANSWER_TIMEOUT_MS = 5_000;
/** A worker that is busy, or begins just now, answers within seconds. */
const NO_WORKER_AFTER_MS = 10_000;
const FAILURES_EVERY_MS = 2_000;

/** Shows how far a reconcile is until `ended` aborts, and tells when no worker answers and which activity fails. */
export async function followReconcile(
  client: Client,
  handle: WorkflowHandleWithFirstExecutionRunId<typeof reconcileUsers>,
  progress: ReconcileProgress,
  ended: AbortSignal,
): Promise<void> {
  const tellFailures = failureTeller(progress);
  let answeredMs = performance.now();
  let toldNoWorker = false;
  let lookedMs = Number.NEGATIVE_INFINITY;
  while (!ended.aborted) {
    const status = await answerOf(() => handle.query(reconcileStatus));
    if (ended.aborted) return;
    if (status !== null) {
      progress.show(status);
      answeredMs = performance.now();
      toldNoWorker = false;
    } else if (!toldNoWorker && performance.now() - answeredMs > NO_WORKER_AFTER_MS) {
      progress.say('No worker answers: start one with `clerk-sync worker`. Waiting for it.');
      toldNoWorker = true;
    }
    if (performance.now() - lookedMs >= FAILURES_EVERY_MS) {
      tellFailures((await answerOf(() => pendingFailures(client, handle.workflowId))) ?? []);
      lookedMs = performance.now();
    }
    await setTimeout(POLL_MS, undefined, { signal: ended }).catch(() => undefined);
  }

  /** @returns null when Temporal does not answer in time; why not does not matter, for the result comes another way. */
  async function answerOf<T>(ask: () => Promise<T>): Promise<T | null> {
    const over = new AbortController();
    const end = () => over.abort();
    ended.addEventListener('abort', end, { once: true });
    try {
      const answer = client.withAbortSignal(over.signal, ask).catch(() => null);
      // The SDK goes on trying for a while, whatever its signal says.
      const late = setTimeout(ANSWER_TIMEOUT_MS, null, { signal: over.signal }).catch(() => null);
      return await Promise.race([answer, late]);
    } finally {
      ended.removeEventListener('abort', end);
      over.abort();
    }
  }
}

/** @returns a function that says each failure once, and again when it is back after all went through. */
function failureTeller(
  progress: ReconcileProgress,
): (failures: Awaited<ReturnType<typeof pendingFailures>>) => void {
  let told = new Set<string>();
  return (failures) => {
    const now = new Map(
      failures.map((failure) => [`${failure.activity} ${failure.code} ${failure.message}`, failure]),
    );
    for (const [key, failure] of now) if (!told.has(key)) progress.say(pendingFailureText(failure));
    told = new Set(now.keys());
  };
}
