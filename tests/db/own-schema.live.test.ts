import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { applySnapshots } from '../../src/db/apply-snapshots.js';
import { connectDatabase, type Database } from '../../src/db/database.js';
import { migrate } from '../../src/db/migrate.js';
import { readStatus } from '../../src/db/read-status.js';
import { readUser } from '../../src/db/read-user.js';
import { recordSyncFailure } from '../../src/db/sync-failures.js';
import { createEmptyDatabase } from './empty-database.js';
import { snapshotOf, T0 } from './snapshot-of.js';

let database: Awaited<ReturnType<typeof createEmptyDatabase>>;
let applications: Database;
let db: Database;

/** The database of an application that has a table `users` of its own. */
beforeAll(async () => {
  database = await createEmptyDatabase();
  applications = connectDatabase({ url: database.url });
  await applications.$executeRaw`CREATE TABLE users (id serial PRIMARY KEY, nickname text)`;
  await applications.$executeRaw`INSERT INTO users (nickname) VALUES ('theirs')`;
  const url = new URL(database.url);
  url.searchParams.set('schema', 'clerk');
  db = connectDatabase({ url: url.href });
});
afterAll(async () => {
  await db.$disconnect();
  await applications.$disconnect();
  await database.drop();
});

test('without a schema, the migration refuses and says where to go', async () => {
  await expect(migrate(database.url)).rejects.toThrow(/"users" already exists.*schema of its own/);
});

test('with one, everything is written there, by every way, and theirs is left alone', async () => {
  const url = new URL(database.url);
  url.searchParams.set('schema', 'clerk');
  expect(await migrate(url.href)).not.toEqual([]);
  expect(await migrate(url.href)).toEqual([]);
  await applySnapshots(db, [snapshotOf('user_schema', T0)], 'reconcile');
  await recordSyncFailure(db, {
    clerkUserId: 'user_schema',
    code: 'X',
    message: '',
    workflowId: '',
    runId: '',
    parked: true,
  });
  expect(await readUser(db, 'user_schema')).toMatchObject({ clerkId: 'user_schema' });
  expect(await db.user.count()).toBe(1);
  expect(await readStatus(db, T0)).toMatchObject({ liveRows: 1 });
  expect(await applications.$queryRaw`SELECT nickname FROM public.users`).toEqual([{ nickname: 'theirs' }]);
  expect(await applications.$queryRaw`SELECT clerk_id FROM clerk.users`).toEqual([
    { clerk_id: 'user_schema' },
  ]);
});
