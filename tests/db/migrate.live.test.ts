import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { applySnapshots } from '../../src/db/apply-snapshots.js';
import { connectDatabase } from '../../src/db/database.js';
import { migrate } from '../../src/db/migrate.js';
import { TABLES } from '../../src/db/tables.js';
import { createEmptyDatabase, type EmptyDatabase } from './empty-database.js';
import { withSchemaEngine } from './schema-engine.js';
import { snapshotOf, T0 } from './snapshot-of.js';

const MIGRATIONS = path.resolve('prisma/migrations');

async function migrationNames(): Promise<string[]> {
  const entries = await readdir(MIGRATIONS, { withFileTypes: true });
  return entries.flatMap((entry) => (entry.isDirectory() ? entry.name : [])).sort();
}

const sqlOf = (name: string) => readFile(path.join(MIGRATIONS, name, 'migration.sql'));

let database: EmptyDatabase;
beforeEach(async () => {
  database = await createEmptyDatabase();
});
afterEach(() => database.drop());

const tables = () =>
  database.query("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1");

/** @returns what can be told of the tables but the collation, which schema.prisma cannot say. */
async function shapeOf({ query }: EmptyDatabase): Promise<Record<string, unknown[]>> {
  return {
    columns: await query(`
      SELECT table_name, column_name, data_type, udt_name, datetime_precision, is_nullable, column_default
      FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'clerk_sync_migrations' ORDER BY 1, 2`),
    indexes: await query(`
      SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'clerk_sync_migrations' ORDER BY 1`),
    constraints: await query(`
      SELECT conrelid::regclass::text AS "table", conname, pg_get_constraintdef(oid) FROM pg_constraint
      WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text <> 'clerk_sync_migrations' ORDER BY 1, 2`),
  };
}

/** @returns the SQL that makes an empty database what prisma/schema.prisma says. */
async function sqlOfSchema(): Promise<string> {
  const schema = path.resolve('prisma/schema.prisma');
  const files = [{ path: schema, content: await readFile(schema, 'utf8') }];
  const { stdout } = await withSchemaEngine(database.url, (engine) =>
    engine.diff({
      from: { tag: 'empty' },
      to: { tag: 'schemaDatamodel', files },
      script: true,
      exitCode: null,
      filters: { externalTables: [], externalEnums: [] },
    }),
  );
  return stdout ?? '';
}

describe('migrating', () => {
  test('an empty database makes it what prisma/schema.prisma says, in every table, column, default and index', async () => {
    expect(await migrate(database.url)).toEqual(await migrationNames());
    const wanted = await createEmptyDatabase();
    try {
      await wanted.query(await sqlOfSchema());
      expect(await shapeOf(database)).toEqual(await shapeOf(wanted));
    } finally {
      await wanted.drop();
    }
  });

  test('compares ids byte by byte, whatever the collation of the database', async () => {
    await migrate(database.url);
    expect(
      await database.query(
        "SELECT table_name FROM information_schema.columns WHERE column_name = 'clerk_id' AND collation_name IS DISTINCT FROM 'C'",
      ),
    ).toEqual([]);
  });

  test('a second time applies nothing, and leaves rows as they are', async () => {
    await migrate(database.url);
    const db = connectDatabase({ url: database.url, poolSize: 1 });
    try {
      await applySnapshots(db, [snapshotOf('user_kept', T0)], 'webhook');
    } finally {
      await db.$disconnect();
    }
    const before = await tables();
    expect(await migrate(database.url)).toEqual([]);
    expect(await tables()).toEqual(before);
    expect(await database.query('SELECT clerk_id FROM users')).toEqual([{ clerk_id: 'user_kept' }]);
  });

  test('from several processes at once applies each migration once', async () => {
    const applied = await Promise.all([1, 2, 3, 4].map(() => migrate(database.url)));
    expect(applied.flat()).toEqual(await migrationNames());
    const recorded = await database.query<{ name: string }>('SELECT name FROM clerk_sync_migrations');
    expect(recorded.map(({ name }) => name)).toEqual(await migrationNames());
  });

  test('makes just the tables that the session looks for', async () => {
    await migrate(database.url);
    expect(await tables()).toEqual(
      [...TABLES, 'clerk_sync_migrations'].sort().map((table_name) => ({ table_name })),
    );
  });

  test('leaves no connection open, and no lock', async () => {
    await migrate(database.url);
    expect(
      await database.query(
        'SELECT application_name, state, query FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
      ),
    ).toEqual([]);
    expect(
      await database.query(`
        SELECT * FROM pg_locks WHERE locktype = 'advisory'
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`),
    ).toEqual([]);
  });
});

describe('a migration that fails', () => {
  beforeEach(() => database.query('CREATE DOMAIN user_tombstones AS text'));

  test('is named, with what Postgres said, and leaves no connection open', async () => {
    const [first = ''] = await migrationNames();
    const failure = await migrate(database.url).then(
      () => 'none',
      (error: unknown) => String(error),
    );
    expect(failure).toContain(first);
    expect(failure).toContain('user_tombstones');
    expect(
      await database.query(
        'SELECT query FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
      ),
    ).toEqual([]);
  });
});

test('a database that is not there is an error that names the problem, soon', async () => {
  const missing = new URL(database.url);
  missing.pathname = '/no_such_database';
  await expect(migrate(missing.href)).rejects.toThrow(/no_such_database/);
});

test('no migration has a semicolon in a comment: the schema engine would split the statement there', async () => {
  for (const name of await migrationNames()) {
    const comments = (await sqlOf(name)).toString().match(/--.*$/gm) ?? [];
    expect(comments.filter((comment) => comment.includes(';'))).toEqual([]);
  }
});
