// A large set: how fast it is filled, whether a sweep takes what the budget of Clerk requests dictates and no more, how
// large the runs and the worker's memory become; and where the time goes when there is no budget.
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { PAGE, startClerk } from './clerk.mjs';
import { closing } from './closing.mjs';
import { threadSeconds, watchCpu } from './cpu-seconds.mjs';
import { atMost, printMachine, printTable } from './print.mjs';
import { startWorker, watchMemory } from './processes.mjs';
import { printProfiles } from './profile.mjs';
import { connectTemporal, runReconcile, runsOf } from './run-reconcile.mjs';
import { startServers } from './servers.mjs';

const MOST_EVENTS = 10_000;

export default async function largeSweep(args) {
  const { values } = parseArgs({
    args,
    options: {
      users: { type: 'string', default: '1000000' },
      latency: { type: 'string', default: '200' },
      rate: { type: 'string', default: '20' },
    },
  });
  const [users, latencyMs, rate] = [values.users, values.latency, values.rate].map(Number);
  const pages = Math.ceil(users / PAGE);
  printMachine();
  await closing(async (later) => {
    const servers = later(await startServers());
    const temporal = later(await connectTemporal(servers));
    const clerk = later(await startClerk(users));
    const database = later(await servers.database('large_sweep'));
    const round = (title, { budget, nodeFlags }) =>
      closing(async (until) => {
        await database.sql.query('CHECKPOINT');
        const worker = until(await startWorker({ servers, clerk, database, budget, nodeFlags }));
        const cpu = watchCpu({ worker: worker.pid, 'stand-in': clerk.pid, ...servers.pids });
        const memory = watchMemory(worker.pid);
        const { seconds, result, workflowId } = await runReconcile(temporal, { kind: 'sweep' });
        const [samples, used] = [memory(), cpu()];
        const threads = threadSeconds(worker.pid)
          .map(([name, cpus]) => `${name} ${cpus.toFixed(1)}`)
          .join(', ');
        console.log(`\n${title}: ${seconds.toFixed(1)} s, ${Math.round(users / seconds)} users/s`);
        console.log(`  ${JSON.stringify(result)}`);
        printMemory(samples);
        printRuns(await runsOf(temporal, workflowId));
        printCpu(used, seconds, pages);
        console.log(`  worker's threads since its start, CPU seconds: ${threads}`);
        if (result.seen !== users) throw new Error(`It saw ${result.seen} users, not ${users}.`);
        return seconds;
      });

    await round('Backfill, no latency, no budget', { budget: 1000 });
    await database.sql.query('VACUUM (ANALYZE) users');
    await clerk.set({ latencyMs });
    const seconds = await round(`Nothing changed, ${latencyMs} ms latency, ${rate} requests a second`, {
      budget: rate,
    });
    console.log(
      `  ${pages} pages at ${rate} a second take ${(pages / rate).toFixed(1)} s; this took ${atMost(1.25, seconds / (pages / rate))} times as long`,
    );
    await clerk.set({ latencyMs: 0 });
    const folder = later(await mkdtemp(path.join(os.tmpdir(), 'clerk-sync-profile-')), () =>
      rm(folder, { recursive: true, force: true }),
    );
    await round('Nothing changed, no latency, no budget, under the profiler', {
      budget: 1000,
      nodeFlags: ['--cpu-prof', `--cpu-prof-dir=${folder}`],
    });
    await printProfiles(folder);
  });
}

function printMemory(samples) {
  const quarter = (n) =>
    Math.max(...samples.slice((n * samples.length) >> 2, ((n + 1) * samples.length) >> 2));
  console.log(`  worker's largest memory by quarter of the time: ${[0, 1, 2, 3].map(quarter).join(', ')} MB`);
}

function printRuns(runs) {
  console.log(
    `  ${runs.length} runs; the longest history has ${atMost(MOST_EVENTS - 1, Math.max(...runs.map(({ events }) => events)))} events`,
  );
  for (const type of new Set(runs.map((run) => run.type))) {
    const own = runs.filter((run) => run.type === type);
    const [events, kB] = ['events', 'kB'].map((what) => Math.max(...own.map((run) => run[what])));
    console.log(`    ${type}: ${own.length} runs, at most ${events} events and ${kB} kB`);
  }
}

function printCpu(used, seconds, pages) {
  printTable(
    ['', 'CPU seconds', 'of one core', 'CPU ms a page'],
    Object.entries(used).map(([name, cpus]) => [
      `  ${name}`,
      cpus.toFixed(1),
      `${Math.round((cpus / seconds) * 100)} %`,
      ((cpus * 1000) / pages).toFixed(1),
    ]),
  );
}
