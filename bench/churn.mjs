// A sweep while users come, change and leave at Clerk and no webhook arrives: one more sweep later nothing may differ,
// and nobody who lives may ever have been marked as deleted.
import { parseArgs } from 'node:util';
import { PAGE, startClerk } from './clerk.mjs';
import { closing } from './closing.mjs';
import { printMachine } from './print.mjs';
import { startWorker } from './processes.mjs';
import { connectTemporal, runReconcile } from './run-reconcile.mjs';
import { startServers } from './servers.mjs';

const SIDE_BY_SIDE = 4;

export default async function churn(args) {
  const { values } = parseArgs({
    args,
    options: {
      users: { type: 'string', default: '100000' },
      changes: { type: 'string', default: '1000' },
      rate: { type: 'string', default: '20' },
    },
  });
  printMachine();
  await closing(async (later) => {
    const servers = later(await startServers());
    const temporal = later(await connectTemporal(servers));
    const clerk = later(await startClerk(Number(values.users)));
    const database = later(await servers.database('churn'));
    const filling = await startWorker({ servers, clerk, database, budget: 1000 });
    await runReconcile(temporal, { kind: 'sweep' });
    await filling.stop();
    const env = { RECONCILE_DELETION_GRACE_SECONDS: '0' };
    later(await startWorker({ servers, clerk, database, budget: Number(values.rate), env }));

    const everybody = [...(await listAll(clerk)).keys()];
    let isOver = false;
    const sweeping = runReconcile(temporal, { kind: 'sweep' }).finally(() => {
      isOver = true;
    });
    const done = await change(clerk, everybody, Number(values.changes));
    const wasOver = isOver;
    const during = await sweeping;
    console.log(`\nDuring a sweep of ${during.seconds.toFixed(1)} s: ${JSON.stringify(done)}`);
    if (wasOver) console.log('  The sweep was over before the last of them: take a lower --rate.');
    console.log(`  ${during.result.summary}`);
    console.log(`One more sweep: ${(await runReconcile(temporal, { kind: 'sweep' })).result.summary}`);

    const clerks = await listAll(clerk);
    const { rows } = await database.sql.query(
      'SELECT clerk_id, (extract(epoch FROM clerk_updated_at) * 1000)::float8 AS version FROM users WHERE deleted_at IS NULL',
    );
    const table = new Map(rows.map((row) => [row.clerk_id, row.version]));
    const differ = [...clerks].filter(([id, version]) => table.get(id) !== version).length;
    const surplus = [...table.keys()].filter((id) => !clerks.has(id)).length;
    const { rows: marked } = await database.sql.query(
      "SELECT DISTINCT clerk_id FROM user_changes WHERE kind = 'deleted'",
    );
    const wrongly = marked.filter((row) => clerks.has(row.clerk_id)).length;
    console.log(`
Users at Clerk: ${clerks.size}, live rows: ${table.size}
Missing or of another version: ${differ} (goal 0)
Rows of nobody: ${surplus} (goal 0)
Users marked as deleted: ${marked.length}; of those alive at Clerk: ${wrongly} (goal 0)`);
    if (differ + surplus + wrongly > 0) process.exitCode = 1;
  });
}

/** @returns Clerk's `updated_at` of every user by id. */
async function listAll(clerk) {
  const users = new Map();
  for (let after; ; ) {
    const page = JSON.parse(
      await clerk.list({
        order_by: '+created_at',
        limit: String(PAGE),
        ...(after ? { starting_after: after } : {}),
      }),
    );
    for (const { id, updated_at } of page) users.set(id, updated_at);
    if (page.length < PAGE) return users;
    after = page.at(-1).id;
  }
}

/** A third each, of users anywhere in the order of creation. */
async function change(clerk, everybody, changes) {
  const done = { created: 0, updated: 0, deleted: 0 };
  const anybody = () => everybody.splice(Math.floor(Math.random() * everybody.length), 1)[0];
  const one = async (n) => {
    if (n % 3 === 0) {
      await clerk.create({ email_address: [`churn${n}@example.com`], first_name: 'New' });
      done.created += 1;
    } else if (n % 3 === 1) {
      await clerk.change(anybody(), { first_name: `Changed ${n}` });
      done.updated += 1;
    } else {
      await clerk.remove(anybody());
      done.deleted += 1;
    }
  };
  let next = 0;
  await Promise.all(
    Array.from({ length: SIDE_BY_SIDE }, async () => {
      for (let n = next++; n < changes; n = next++) await one(n);
    }),
  );
  return done;
}
