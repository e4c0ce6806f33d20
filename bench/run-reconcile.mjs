// Runs a reconcile on the real Temporal, as a Schedule or an operator would.
import { Client, Connection } from '@temporalio/client';
import { SYNC_TASK_QUEUE } from '../dist/names.js';
import { reconcileUsers } from '../dist/workflows/reconcile-users.js';

let runs = 0;

/** @returns the client, and `stop`. */
export async function connectTemporal({ temporalAddress }) {
  const connection = await Connection.connect({ address: temporalAddress });
  const client = new Client({ connection });
  return { client, stop: () => connection.close() };
}

/** @returns the seconds from the start to the result, the result, and the ID. */
export async function runReconcile({ client }, input) {
  const workflowId = `bench-${++runs}`;
  const startedMs = performance.now();
  const handle = await client.workflow.start(reconcileUsers, {
    workflowId,
    taskQueue: SYNC_TASK_QUEUE,
    args: [input],
  });
  const result = await handle.result();
  return { seconds: (performance.now() - startedMs) / 1000, result, workflowId };
}

/** @returns every run of a reconcile, children and continued runs too, with the events of its history. */
export async function runsOf({ client }, workflowId) {
  const found = [];
  for await (const run of client.workflow.list({ query: `RootWorkflowId = '${workflowId}'` })) {
    const { raw } = await client.workflow.getHandle(run.workflowId, run.runId).describe();
    const { historyLength, historySizeBytes } = raw.workflowExecutionInfo;
    found.push({
      type: run.type,
      workflowId: run.workflowId,
      events: Number(historyLength),
      kB: Math.round(Number(historySizeBytes) / 1024),
    });
  }
  return found;
}
