// What a tick costs when nothing has happened, and whether that depends on how many users there are.
import { parseArgs } from 'node:util';
import { startClerk } from './clerk.mjs';
import { closing } from './closing.mjs';
import { watchCpu } from './cpu-seconds.mjs';
import { atMost, median, printMachine, printTable, wholeNumbers } from './print.mjs';
import { startWorker } from './processes.mjs';
import { connectTemporal, runReconcile } from './run-reconcile.mjs';
import { startServers } from './servers.mjs';
import { tableStatistics } from './table-statistics.mjs';

/** The default of a live key, and the tick's share of it. */
const BUDGET = 20;
const TICK_SHARE = '0.05';
/** Between two ticks: so that none waits for the budget that the one before has used. */
const PAUSE_MS = 500;
/** As long as compare-counts counts the rows after anybody was added: an idle table is one where that was long ago. */
const IDLE_AFTER_MS = 65_000;

export default async function idleTick(args) {
  const { values } = parseArgs({
    args,
    options: {
      users: { type: 'string', default: '10000,100000,1000000' },
      ticks: { type: 'string', default: '20' },
    },
  });
  printMachine();
  await closing(async (later) => {
    const servers = later(await startServers());
    const temporal = later(await connectTemporal(servers));
    const sizes = [];
    for (const users of wholeNumbers(values.users)) {
      sizes.push(
        await closing((until) =>
          oneSize({ later: until, servers, temporal, users, ticks: Number(values.ticks) }),
        ),
      );
    }
    report(sizes, values.ticks);
  });
}

async function oneSize({ later, servers, temporal, users, ticks }) {
  const clerk = later(await startClerk(users));
  const database = later(await servers.database(`idle_${users}`));
  const filling = await startWorker({ servers, clerk, database, budget: 1000 });
  const { seconds, result } = await runReconcile(temporal, { kind: 'sweep' });
  await filling.stop();
  if (result.created !== users) throw new Error(`Not filled: ${JSON.stringify(result)}`);
  console.log(`\n${users} users: filled in ${seconds.toFixed(0)} s`);
  await database.sql.query('VACUUM (ANALYZE) users');
  await database.sql.query('CHECKPOINT');
  await new Promise((resolve) => setTimeout(resolve, IDLE_AFTER_MS));

  const worker = later(
    await startWorker({
      servers,
      clerk,
      database,
      budget: BUDGET,
      env: { RECONCILE_TICK_SHARE: TICK_SHARE },
    }),
  );
  // The first ones load code, fill caches and read once what the sweep has left.
  for (let warm = 0; warm < 3; warm++) {
    await runReconcile(temporal, { kind: 'auto' });
    await pause();
  }
  const pids = { worker: worker.pid, 'stand-in': clerk.pid, ...servers.pids };
  const requests = await clerk.requests();
  const before = await tableStatistics(servers, database);
  const cpu = watchCpu(pids);
  const times = [];
  const kinds = new Set();
  for (let tick = 0; tick < ticks; tick++) {
    const run = await runReconcile(temporal, { kind: 'auto' });
    times.push(run.seconds * 1000);
    kinds.add(run.result.kind);
    await pause();
  }
  const used = cpu();
  const after = await tableStatistics(servers, database);
  const size = {
    users,
    kinds: [...kinds].join(' and '),
    requests: ((await clerk.requests()) - requests) / ticks,
    rows: after.rows - before.rows,
    tickMs: median(times),
    slowestMs: Math.max(...times),
    statementsMs: ((after.seconds - before.seconds) * 1000) / ticks,
    cpuMs: Object.fromEntries(
      Object.entries(used).map(([name, cpus]) => [name, Math.round((cpus * 10_000) / ticks) / 10]),
    ),
  };
  console.log(`  ${JSON.stringify({ ...size, times: times.map(Math.round) })}`);
  return size;
}

function report(sizes, ticks) {
  printTable(
    [
      `users, ${ticks} ticks`,
      'kind',
      'Clerk requests a tick',
      'rows of users written',
      'median ms',
      'slowest ms',
      'ms in Postgres statements a tick',
      ...Object.keys(sizes[0].cpuMs).map((name) => `CPU ms: ${name}`),
    ],
    sizes.map((size) => [
      size.users,
      size.kinds,
      size.requests.toFixed(2),
      size.rows,
      size.tickMs.toFixed(1),
      size.slowestMs.toFixed(1),
      size.statementsMs.toFixed(2),
      ...Object.values(size.cpuMs).map((ms) => ms.toFixed(1)),
    ]),
  );
  const [smallest, largest] = [sizes[0], sizes.at(-1)];
  const ratio = (of) => atMost(1.5, of(largest) / of(smallest));
  console.log(`
Clerk requests a tick, at most: ${atMost(2, Math.max(...sizes.map(({ requests }) => requests)))}
Rows of users written: ${atMost(0, Math.max(...sizes.map(({ rows }) => rows)))}
${largest.users} users against ${smallest.users}: time ${ratio(({ tickMs }) => tickMs)}, Postgres statements ${ratio(({ statementsMs }) => statementsMs)}`);
  const notDelta = sizes.filter(({ kinds }) => kinds !== 'delta');
  if (notDelta.length > 0)
    console.log(
      `Not an idle delta, so no fair comparison: ${notDelta.map(({ users, kinds }) => `${users} users (${kinds})`).join(', ')}.`,
    );
}

const pause = () => new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
