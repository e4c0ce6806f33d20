// What becomes of a worker, or a starter, that stands still for a while under load and then goes on: a laptop that
// slept, a virtual machine that was paused, a container that was throttled.
import { parseArgs } from 'node:util';
import { startClerk } from './clerk.mjs';
import { closing } from './closing.mjs';
import { printMachine, printTable } from './print.mjs';
import { startStarter, startWorker } from './processes.mjs';
import { startServers } from './servers.mjs';
import { sendWebhooks } from './webhooks.mjs';

/** Under load before it is frozen, milliseconds. */
const LOAD_MS = 3_000;
/** Longest wait for what was acknowledged to be in rows, once the process goes on. */
const CATCH_UP_MS = 180_000;

export default async function freeze(args) {
  const { values } = parseArgs({
    args,
    options: {
      process: { type: 'string', default: 'worker' },
      freezes: { type: 'string', default: '20' },
      seconds: { type: 'string', default: '10' },
      users: { type: 'string', default: '300' },
      parallel: { type: 'string', default: '16' },
    },
  });
  const [freezes, seconds, users, parallel] = [
    values.freezes,
    values.seconds,
    values.users,
    values.parallel,
  ].map(Number);
  printMachine();
  await closing(async (later) => {
    const servers = later(await startServers());
    const clerk = later(await startClerk(0));
    const database = later(await servers.database('frozen'));
    const start = {
      worker: () => startWorker({ servers, clerk, database, budget: 20 }),
      starter: () => startStarter({ servers, database }),
    };
    const running = { worker: await start.worker(), starter: await start.starter() };
    later({ stop: () => Promise.all(Object.values(running).map((each) => each.stop())) });
    const load = later(sendWebhooks({ url: () => running.starter.url, users, parallel }));

    const rows = [];
    for (let round = 1; round <= freezes; round++) {
      await sleep(LOAD_MS);
      const victim = running[values.process];
      process.kill(victim.pid, 'SIGSTOP');
      await sleep(seconds * 1000);
      const before = load.answers();
      process.kill(victim.pid, 'SIGCONT');
      const goesOnAtMs = performance.now();
      await sleep(LOAD_MS);
      const end = load.hold();
      const behind = await load.catchUp(database.sql, CATCH_UP_MS, () => victim.ended());
      const tookMs = performance.now() - goesOnAtMs;
      end();
      const ended = victim.ended();
      const failed = victim.lines.filter((line) => line.includes('Failing workflow task'));
      victim.lines.length = 0;
      rows.push([
        String(round),
        ended ?? 'no',
        failed.length,
        behind.length,
        (tookMs / 1000).toFixed(1),
        JSON.stringify(before),
      ]);
      console.error(rows.at(-1).join('  '), ...failed.slice(0, 1));
      if (ended !== null) running[values.process] = await start[values.process]();
    }
    printTable(
      ['freeze', 'died', 'failed tasks', 'acknowledged, no row', 'caught up after s', 'answers so far'],
      rows,
    );
    console.log(
      `\nDied: ${rows.filter(([, ended]) => ended !== 'no').length} of ${freezes} freezes of ${seconds} s.`,
    );
  });
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
