import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { applySnapshots } from '../../src/db/apply-snapshots.js';
import { connectDatabase, type Database } from '../../src/db/database.js';
import { eraseDeletedUsers } from '../../src/db/erase-deleted-users.js';
import { findAccessProblems } from '../../src/db/find-access-problems.js';
import { migrate } from '../../src/db/migrate.js';
import { readStatus } from '../../src/db/read-status.js';
import { createEmptyDatabase, type EmptyDatabase } from './empty-database.js';
import { createRole, dropRole, type Role } from './roles.js';
import { snapshotOf, T0 } from './snapshot-of.js';

let database: EmptyDatabase;
let role: Role;
let db: Database | undefined;
beforeEach(async () => {
  database = await createEmptyDatabase();
  role = await createRole(database);
});
afterEach(async () => {
  await db?.$disconnect();
  db = undefined;
  await database.drop();
  await dropRole(role);
});

const inSchema = (url: string) => `${url}?schema=clerk`;
const connect = (url: string) => {
  db = connectDatabase({ url, poolSize: 2 });
  return db;
};

describe('migrating', () => {
  test('works in a schema that an administrator made, for a role that may make none', async () => {
    await database.query(`CREATE SCHEMA clerk AUTHORIZATION ${role.name}`);
    expect(await migrate(inSchema(role.url))).not.toEqual([]);
    await applySnapshots(connect(inSchema(role.url)), [snapshotOf('user_there', T0)], 'webhook');
    expect(await database.query('SELECT clerk_id FROM clerk.users')).toEqual([{ clerk_id: 'user_there' }]);
  });

  test.each([
    ['the schema is not there', ''],
    ['the schema is not to be used', 'CREATE SCHEMA clerk'],
    ['nothing may be made in it', 'CREATE SCHEMA clerk; GRANT USAGE ON SCHEMA clerk TO PUBLIC'],
  ])('says what an administrator is to do where %s, and makes nothing elsewhere', async (_, made) => {
    if (made) await database.query(made);
    await expect(migrate(inSchema(role.url))).rejects.toThrow(
      /nothing was changed: permission denied.*CREATE SCHEMA IF NOT EXISTS "clerk".*GRANT USAGE, CREATE ON SCHEMA "clerk"/,
    );
    expect(await database.query("SELECT tablename FROM pg_tables WHERE schemaname !~ '^(pg_|info)'")).toEqual(
      [],
    );
  });

  test('says so too where the role may make nothing in public', async () => {
    await expect(migrate(role.url)).rejects.toThrow(/permission denied.*ON SCHEMA "public"/);
  });

  test('refuses a database whose encoding cannot hold every name', async () => {
    const [, name = ''] = new URL(database.url).pathname.split('/');
    await database.query(
      `CREATE DATABASE ${name}_latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0 STRATEGY FILE_COPY`,
    );
    try {
      await expect(migrate(`${database.url}_latin`)).rejects.toThrow(/encoding of the database is LATIN1/);
    } finally {
      await database.query(`DROP DATABASE ${name}_latin WITH (FORCE)`);
    }
  });
});

describe('a role that may only read and write rows', () => {
  beforeEach(async () => {
    await migrate(inSchema(database.url));
    await database.query(`GRANT USAGE ON SCHEMA clerk TO ${role.name};
      GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA clerk TO ${role.name};
      GRANT USAGE ON ALL SEQUENCES IN SCHEMA clerk TO ${role.name}`);
  });

  test('finds nothing to migrate, writes, erases and reads the status', async () => {
    expect(await migrate(inSchema(role.url))).toEqual([]);
    const own = connect(inSchema(role.url));
    await applySnapshots(own, [snapshotOf('user_row', T0)], 'webhook');
    expect(await eraseDeletedUsers(own, { mode: 'hard', holdbackMs: 0 })).toBe(0);
    expect(await readStatus(own, T0)).toMatchObject({ liveRows: 1 });
    expect(await own.user.count()).toBe(1);
    expect(await findAccessProblems(own)).toEqual([]);
  });

  test('is told which right it lacks', async () => {
    await database.query(`REVOKE UPDATE, DELETE ON clerk.users FROM ${role.name};
      REVOKE USAGE ON SEQUENCE clerk.user_changes_id_seq FROM ${role.name}`);
    expect(await findAccessProblems(connect(inSchema(role.url)))).toEqual([
      expect.stringContaining('sequence of user_changes'),
      expect.stringContaining(`GRANT UPDATE, DELETE ON users TO ${role.name}`),
    ]);
  });

  const secure = (policy: string) =>
    database.query(`ALTER TABLE clerk.users ENABLE ROW LEVEL SECURITY; ${policy}`);

  test.each([
    ['without a policy', ''],
    ['with one for some rows', 'CREATE POLICY certain ON clerk.users USING (email IS NOT NULL)'],
    ['with one for reading', 'CREATE POLICY read ON clerk.users FOR SELECT USING (true)'],
    [
      'with a restrictive one',
      'CREATE POLICY yes ON clerk.users USING (true); CREATE POLICY less ON clerk.users AS RESTRICTIVE USING (NOT banned)',
    ],
  ])('is told that row-level security hides rows from it, %s', async (_, policy) => {
    await secure(policy);
    expect(await findAccessProblems(connect(inSchema(role.url)))).toEqual([
      expect.stringMatching(/Row-level security of the table users .* CREATE POLICY/),
    ]);
  });

  test('works under row-level security with a policy that lets everything through', async () => {
    await secure(`CREATE POLICY clerk_sync ON clerk.users TO ${role.name} USING (true) WITH CHECK (true)`);
    const own = connect(inSchema(role.url));
    expect(await findAccessProblems(own)).toEqual([]);
    expect(await applySnapshots(own, [snapshotOf('user_secured', T0)], 'webhook')).toMatchObject([
      { outcome: 'created' },
    ]);
  });

  test('is told when triggers do not fire', async () => {
    await database.query(`ALTER ROLE ${role.name} SET session_replication_role = replica`);
    expect(await findAccessProblems(connect(inSchema(role.url)))).toEqual([
      expect.stringContaining('session_replication_role'),
    ]);
  });
});
