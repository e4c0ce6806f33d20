// The reconcile against what people write by hand, and against the limit of fetching alone, in one go: on the same
// stand-in and the same Postgres server, in three situations.
import path from 'node:path';
import { parseArgs } from 'node:util';
import { PAGE, startClerk } from './clerk.mjs';
import { closing } from './closing.mjs';
import { watchCpu } from './cpu-seconds.mjs';
import { fetchAll, windowsOf } from './fetch-limit.mjs';
import { atLeast, median, printMachine, printTable, wholeNumbers } from './print.mjs';
import { startWorker } from './processes.mjs';
import { connectTemporal, runReconcile } from './run-reconcile.mjs';
import { startServers } from './servers.mjs';
import { upsertOneByOne } from './upsert-one-by-one.mjs';

const GOALS = {
  backfill: { byHand: 20, limit: 0.5 },
  unchanged: { byHand: 40, limit: 0.6 },
};

export default async function reconcile(args) {
  const { values } = parseArgs({
    args,
    options: {
      users: { type: 'string', default: '10000,100000' },
      rounds: { type: 'string', default: '7' },
      part: { type: 'string', default: '2000' },
      parallel: { type: 'string', default: '4' },
    },
  });
  printMachine();
  const [rounds, part, parallel] = [values.rounds, values.part, values.parallel].map(Number);
  await closing(async (later) => {
    const servers = later(await startServers());
    const temporal = later(await connectTemporal(servers));
    for (const users of wholeNumbers(values.users)) {
      await closing((until) => oneSize({ later: until, servers, temporal, users, rounds, part, parallel }));
    }
  });
}

async function oneSize({ later, servers, temporal, users, rounds, part, parallel }) {
  const clerk = later(await startClerk(users));
  const mine = later(await servers.database(`reconcile_${users}`));
  const byHand = later(await servers.database(`by_hand_${users}`));
  await mine.sql.query('CREATE TABLE copied (LIKE users INCLUDING ALL)');
  const worker = later(await startWorker({ servers, clerk, database: mine, budget: 1000 }));
  const file = path.join(servers.folder, 'postgres', `users-${users}.copy`);
  const [oneWindow, windows] = [await windowsOf(clerk, 1), await windowsOf(clerk, parallel)];
  const pages = Math.ceil(users / PAGE);
  const ids = await fetchAll(clerk, oneWindow);
  if (new Set(ids).size !== users) throw new Error(`The stand-in listed ${ids.length} users, not ${users}.`);

  const timed = async (work) => {
    // What was written before is on disk before the next thing is timed.
    await mine.sql.query('CHECKPOINT');
    const startedMs = performance.now();
    await work();
    return (performance.now() - startedMs) / 1000;
  };
  const reconciled = async (expected) => {
    await mine.sql.query('CHECKPOINT');
    const cpu = watchCpu({ worker: worker.pid, 'stand-in': clerk.pid, ...servers.pids });
    const { seconds, result } = await runReconcile(temporal, { kind: 'sweep' });
    for (const [outcome, count] of Object.entries(expected)) {
      if (result[outcome] !== count)
        throw new Error(`${outcome}: ${result[outcome]}, not ${count}. ${JSON.stringify(result)}`);
    }
    return { seconds, result, cpu: cpu() };
  };
  const handWritten = async () => {
    await mine.sql.query('CHECKPOINT');
    const { seconds, done } = await upsertOneByOne(clerk, byHand, Math.min(part, users));
    return { seconds: (seconds / done) * users, measured: seconds, done };
  };
  const copy = () => mine.sql.query(`COPY copied FROM '${file}'`);

  const situations = {
    async backfill() {
      await mine.sql.query('TRUNCATE users, user_changes');
      const ours = await reconciled({ created: users });
      await mine.sql.query('TRUNCATE copied');
      await mine.sql.query(`COPY users TO '${file}'`);
      const limits = {
        'fetch in a row, then COPY': await timed(async () => {
          await fetchAll(clerk, oneWindow);
          await copy();
        }),
      };
      await mine.sql.query('TRUNCATE copied');
      limits['fetch side by side and COPY at once'] = await timed(() =>
        Promise.all([fetchAll(clerk, windows), copy()]),
      );
      await mine.sql.query('TRUNCATE copied');
      limits['of that, COPY alone'] = await timed(copy);
      return { ours, limits };
    },
    async unchanged() {
      return { ours: await reconciled({ unchanged: users }), limits: await fetching() };
    },
    // Nothing that counts has changed, yet no page is the one that was known.
    async signedIn(round) {
      const signedIn = ids.filter((_, at) => at % PAGE === round);
      await eachAtMost(16, signedIn, (id) => clerk.signIn(id));
      return { ours: await reconciled({ unchanged: users }), limits: await fetching() };
    },
    async changed(round) {
      const changed = ids.filter((_, at) => at % 100 === round);
      await eachAtMost(16, changed, (id) => clerk.change(id, { first_name: `Round ${round}` }));
      return { ours: await reconciled({ updated: changed.length }), limits: await fetching() };
    },
  };
  const fetching = async () => ({
    'fetch in a row': await timed(() => fetchAll(clerk, oneWindow)),
    'fetch side by side': await timed(() => fetchAll(clerk, windows)),
  });
  const titles = {
    backfill: 'backfill',
    unchanged: 'nothing changed',
    signedIn: 'a sign-in a page',
    changed: '1 % changed',
  };

  console.log(
    `\n${users} users, ${pages} pages; ${rounds} rounds, medians; by hand: once, ${Math.min(part, users)} users timed and scaled; side by side: ${parallel} windows`,
  );
  const rows = [];
  const costs = [];
  for (const [name, run] of Object.entries(situations)) {
    const all = [];
    for (let round = 0; round < rounds; round++) all.push(await run(round));
    const hand = await handWritten();
    if (name === 'backfill') {
      await byHand.sql.query('TRUNCATE users');
      await byHand.sql.query(`COPY users FROM '${file}'`);
      await byHand.sql.query('VACUUM (ANALYZE) users');
      await mine.sql.query('VACUUM (ANALYZE) users');
    }
    const ours = median(all.map((one) => one.ours.seconds));
    const limits = Object.keys(all[0].limits).map((limit) => [
      limit,
      median(all.map((one) => one.limits[limit])),
    ]);
    const reachable = limits.filter(([limit]) => !limit.startsWith('of that'));
    const limit = Math.min(...reachable.map(([, seconds]) => seconds));
    const goals = GOALS[name];
    rows.push([
      titles[name],
      ours.toFixed(2),
      Math.round(users / ours),
      hand.seconds.toFixed(1),
      limit.toFixed(2),
      goals ? atLeast(goals.byHand, hand.seconds / ours) : (hand.seconds / ours).toFixed(2),
      goals ? atLeast(goals.limit, limit / ours) : (limit / ours).toFixed(2),
    ]);
    const last = all.at(-1).ours;
    costs.push([titles[name], ...Object.values(last.cpu).map((cpu) => ((cpu * 1000) / pages).toFixed(1))]);
    console.log(
      `  ${titles[name]}: rounds ${all.map((one) => one.ours.seconds.toFixed(2)).join(', ')} s; by hand ${hand.done} users in ${hand.measured.toFixed(2)} s; limits ${limits.map(([what, seconds]) => `${what} ${seconds.toFixed(2)} s`).join(', ')}`,
    );
    console.log(`    ${JSON.stringify(last.result)}`);
  }
  printTable(
    [
      `${users} users`,
      'seconds',
      'users/s',
      'by hand, s',
      'limit, s',
      'times as fast as by hand',
      'of the limit',
    ],
    rows,
  );
  printTable(
    [
      'CPU ms a page, last round',
      ...['worker', 'stand-in', 'postgres', 'temporal', 'this process', 'others'],
    ],
    costs,
  );
}

/** Runs `work` for each item, so many at a time. */
async function eachAtMost(most, items, work) {
  const left = items.values();
  const one = async () => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: most }, one));
}
