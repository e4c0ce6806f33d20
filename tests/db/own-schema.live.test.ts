import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { applySnapshots } from '../../src/db/apply-snapshots.js';
import { connectDatabase, type Database } from '../../src/db/database.js';
import { migrate } from '../../src/db/migrate.js';
import { readStatus } from '../../src/db/read-status.js';
import { readUser } from '../../src/db/read-user.js';
import { recordSyncFailure } from '../../src/db/sync-failures.js';
import { createEmptyDatabase } from './empty-database.js';
import { snapshotOf, T0 } from './snapshot-of.js';
import { startStartupProxy } from './startup-proxy.js';

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

test('a trigger of the application finds its own tables by the path of the role', async () => {
  await database.query(`
    CREATE TABLE public.notes (text text);
    CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql AS
      $$BEGIN INSERT INTO notes VALUES (NEW.clerk_id); RETURN NULL; END$$;
    CREATE TRIGGER note AFTER INSERT ON clerk.users FOR EACH ROW EXECUTE FUNCTION public.note()`);
  await applySnapshots(db, [snapshotOf('user_noted', T0)], 'webhook');
  expect(await database.query('SELECT text FROM public.notes')).toEqual([{ text: 'user_noted' }]);
});

test.each(['drops', 'refuses'] as const)(
  'a pooler that %s what it does not know at connection changes nothing of that',
  async (manner) => {
    const proxy = await startStartupProxy(database.url, manner);
    const url = `${proxy.through(database.url)}?schema=${manner}`;
    const pooled = connectDatabase({ url, poolSize: 2 });
    try {
      expect(await migrate(url)).not.toEqual([]);
      expect(await migrate(url)).toEqual([]);
      await applySnapshots(pooled, [snapshotOf('user_pooled', T0)], 'webhook');
      expect(await pooled.user.findMany()).toMatchObject([
        { clerkId: 'user_pooled', clerkUpdatedAt: new Date(T0) },
      ]);
      expect(await readUser(pooled, 'user_pooled')).toMatchObject({ clerkUpdatedAt: new Date(T0) });
      expect(await database.query(`SELECT clerk_id FROM ${manner}.users`)).toEqual([
        { clerk_id: 'user_pooled' },
      ]);
    } finally {
      await pooled.$disconnect();
      await proxy.close();
    }
  },
);

describe('beside another installation, in a schema that the path finds, too', () => {
  const other = 'other';
  const withPath = (path: string) => `${database.url}?options=-c%20search_path%3D${path}`;
  beforeAll(async () => {
    await migrate(`${database.url}?schema=${other}`);
    await database.query('CREATE SCHEMA fresh');
  });

  test.each([
    ['its URL names', () => `${withPath(`${other},public`)}&schema=missing`],
    ['its path begins with', () => withPath(`fresh,${other}`)],
  ])('nothing is written before the schema that %s is migrated', async (_, url) => {
    const early = connectDatabase({ url: url(), poolSize: 1 });
    try {
      await expect(applySnapshots(early, [snapshotOf('user_early', T0)], 'webhook')).rejects.toMatchObject({
        type: 'SCHEMA_MISSING',
      });
      expect(await database.query(`SELECT clerk_id FROM ${other}.users`)).toEqual([]);
    } finally {
      await early.$disconnect();
    }
  });

  test('migrating asks which of the two is meant', async () => {
    await expect(migrate(withPath(`fresh,${other}`))).rejects.toThrow(
      /in the schema other already, but the search path of this role begins with fresh.*\?schema=/,
    );
    expect(await migrate(`${withPath(`fresh,${other}`)}&schema=other`)).toEqual([]);
    expect(await migrate(`${withPath(`fresh,${other}`)}&schema=fresh`)).not.toEqual([]);
  });

  test('a search path that names no schema is told', async () => {
    await expect(migrate(withPath('nowhere'))).rejects.toThrow('names no schema');
  });
});
