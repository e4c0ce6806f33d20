// Two workers under a load of changes, told to end and started anew one after the other: how long what was acknowledged
// waits for its row, and what it waited for.
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { startClerk } from './clerk.mjs';
import { closing } from './closing.mjs';
import { printMachine, printTable } from './print.mjs';
import { startStarter, startWorker } from './processes.mjs';
import { startServers } from './servers.mjs';
import { sendWebhooks } from './webhooks.mjs';

/** A change that waits longer has its history printed. */
const LONG_MS = 30_000;
const MAX_TOLD = 12;
const CATCH_UP_MS = 240_000;

export default async function rollingRestart(args) {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: 'string', default: '5' },
      users: { type: 'string', default: '400' },
      'per-second': { type: 'string', default: '20' },
      busy: { type: 'string', default: '2' },
    },
  });
  const [rounds, users, perSecond, busy] = [
    values.rounds,
    values.users,
    values['per-second'],
    values.busy,
  ].map(Number);
  printMachine();
  await closing(async (later) => {
    const servers = later(await startServers());
    const clerk = later(await startClerk(0));
    const database = later(await servers.database('rolling'));
    const start = () => startWorker({ servers, clerk, database, budget: 20 });
    const workers = [await start(), await start()];
    later({ stop: () => Promise.all(workers.map((each) => each.stop())) });
    const starter = later(await startStarter({ servers, database }));
    const temporal = await Connection.connect({ address: servers.temporalAddress });
    later({ stop: () => temporal.close() });
    const loops = Array.from({ length: busy }, () => spawn(process.execPath, ['-e', 'for (;;);']));
    later({ stop: async () => loops.map((loop) => loop.kill()) });
    const load = later(sendWebhooks({ url: () => starter.url, users, parallel: 8, perSecond }));
    const watch = later(watchLags(load, database.sql, new Client({ connection: temporal })));

    const rows = [];
    for (let round = 1; round <= rounds; round++) {
      await sleep(5_000);
      const ended = [];
      for (const index of workers.keys()) {
        const toldAtMs = performance.now();
        await workers[index].stop();
        ended.push(((performance.now() - toldAtMs) / 1000).toFixed(1));
        workers[index] = await start();
      }
      const goOn = load.hold();
      const left = await load.catchUp(database.sql, CATCH_UP_MS);
      goOn();
      rows.push([String(round), ...ended, left.length, ...watch.take()]);
      console.error(rows.at(-1).join('  '));
    }
    printTable(
      ['round', '1st ended after s', '2nd', 'no row', 'changes', 'median lag s', 'p99', 'longest', '> 10 s'],
      rows,
    );
    console.log(`\nAnswers: ${JSON.stringify(load.answers())}`);
  });
}

/** Looks every 100 ms at what is acknowledged and has no row yet. */
function watchLags(load, sql, client) {
  const since = new Map();
  let lags = [];
  const told = new Set();
  let stopped = false;
  const watching = (async () => {
    while (!stopped) {
      const nowMs = Date.now();
      const behind = new Map(await load.behind(sql));
      for (const [id, firstMs] of since) {
        const { at } = behind.get(id) ?? {};
        if (at !== undefined && at === firstMs.at) continue;
        lags.push(nowMs - firstMs.answeredAtMs);
        since.delete(id);
      }
      for (const [id, change] of behind) {
        if (!since.has(id)) since.set(id, change);
        if (nowMs - since.get(id).answeredAtMs > LONG_MS && !told.has(id) && told.size < MAX_TOLD) {
          told.add(id);
          await tell(client, id).catch((error) => console.error(id, error.message));
        }
      }
      await sleep(100);
    }
  })();
  return {
    take() {
      const sorted = lags.sort((a, b) => a - b);
      lags = [];
      const at = (share) => ((sorted[Math.floor((sorted.length - 1) * share)] ?? 0) / 1000).toFixed(1);
      return [sorted.length, at(0.5), at(0.99), at(1), sorted.filter((ms) => ms > 10_000).length];
    },
    async stop() {
      stopped = true;
      await watching;
    },
  };
}

/** What the run of a user who waits does: its last events, and its activity's attempts. */
async function tell(client, id) {
  const handle = client.workflow.getHandle(`sync-user/${id}`);
  const { raw } = await handle.describe();
  const { events } = await handle.fetchHistory();
  const seconds = ({ eventTime }) =>
    new Date(Number(eventTime.seconds) * 1000 + eventTime.nanos / 1e6).toISOString();
  console.error(`\n${id} waits since ${LONG_MS} ms, at ${new Date().toISOString()}`);
  for (const pending of raw.pendingActivities ?? [])
    console.error(
      '  pending',
      pending.activityType.name,
      `attempt ${pending.attempt}`,
      `state ${pending.state}`,
      pending.lastFailure?.message,
      pending.lastFailure?.cause?.message ?? '',
      JSON.stringify(pending.lastFailure?.timeoutFailureInfo ?? {}),
      `worker ${pending.lastWorkerIdentity}`,
    );
  if (raw.pendingWorkflowTask)
    console.error(
      '  pending workflow task',
      `attempt ${raw.pendingWorkflowTask.attempt}`,
      JSON.stringify(raw.pendingWorkflowTask),
    );
  for (const event of events.slice(-14)) {
    const kind = Object.keys(event).find((key) => key.endsWith('EventAttributes') && event[key]);
    console.error('  ', seconds(event), kind?.replace('EventAttributes', ''));
  }
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
