// How fast a first sweep fills an empty table, how the worker's memory behaves, and how large the runs become.
import { parseArgs } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { SYNC_TASK_QUEUE } from '../dist/names.js';
import { reconcileUsers } from '../dist/workflows/reconcile-users.js';
import { startProcess, watchMemory } from './processes.mjs';
import { startServers } from './servers.mjs';

export default async function firstSweep(args) {
  const { values } = parseArgs({ args, options: { users: { type: 'string', default: '100000' } } });
  const servers = await startServers();
  const standIn = await startProcess(
    ['stand-in', '--port', '0', '--users', values.users],
    {},
    /^CLERK_WEBHOOK/,
  );
  const clerk = Object.fromEntries(standIn.lines.map((line) => line.split(/=(.*)/, 2)));
  const worker = await startProcess(
    ['worker'],
    {
      ...clerk,
      DATABASE_URL: servers.databaseUrl,
      TEMPORAL_ADDRESS: servers.temporalAddress,
      RECONCILE_REQUESTS_PER_SECOND: '100',
    },
    /Worker running/,
  );
  const connection = await Connection.connect({ address: servers.temporalAddress });
  const client = new Client({ connection });
  try {
    for (const round of ['first sweep', 'second sweep, nothing changed']) {
      const memory = watchMemory(worker.pid);
      const startedMs = performance.now();
      const handle = await client.workflow.start(reconcileUsers, {
        workflowId: `bench-${round}`,
        taskQueue: SYNC_TASK_QUEUE,
        args: [{ kind: 'sweep' }],
      });
      const result = await handle.result();
      const seconds = (performance.now() - startedMs) / 1000;
      const samples = memory();
      const quarter = (n) =>
        Math.max(...samples.slice((n * samples.length) >> 2, ((n + 1) * samples.length) >> 2));
      console.log(
        `\n${round}: ${result.seen} users in ${seconds.toFixed(1)} s, ${Math.round(result.seen / seconds)} users/s`,
      );
      console.log(`  ${JSON.stringify(result)}`);
      console.log(
        `  worker's peak memory by quarter of the time: ${[0, 1, 2, 3].map(quarter).join(', ')} MB`,
      );
      for await (const run of client.workflow.list({ query: `WorkflowId = 'bench-${round}'` })) {
        const { raw } = await client.workflow.getHandle(run.workflowId, run.runId).describe();
        const { historyLength, historySizeBytes } = raw.workflowExecutionInfo;
        console.log(
          `  run ${run.runId}: ${historyLength} events, ${Math.round(Number(historySizeBytes) / 1024)} kB`,
        );
      }
    }
  } finally {
    await connection.close();
    await worker.stop();
    await standIn.stop();
    await servers.stop();
  }
}
