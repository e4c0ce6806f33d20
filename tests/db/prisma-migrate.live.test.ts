import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { migrate } from '../../src/db/migrate.js';
import { TABLES } from '../../src/db/tables.js';
import { createEmptyDatabase, type EmptyDatabase } from './empty-database.js';
import { withSchemaEngine } from './schema-engine.js';

let database: EmptyDatabase;
beforeEach(async () => {
  database = await createEmptyDatabase();
});
afterEach(() => database.drop());

/** The migrations of an application, as the Prisma CLI hands them to its engine. */
const list = {
  baseDir: '/application/prisma/migrations',
  lockfile: { path: './migration_lock.toml', content: 'provider = "postgresql"\n' },
  shadowDbInitScript: '',
  migrationDirectories: [
    {
      path: '20260101000000_orders',
      migrationFile: {
        path: 'migration.sql',
        content: { tag: 'ok' as const, value: 'CREATE TABLE "orders" ("id" INTEGER NOT NULL PRIMARY KEY);' },
      },
    },
  ],
};

const filtersOf = (externalTables: readonly string[]) => ({
  externalTables: [...externalTables],
  externalEnums: [],
});

/** `prisma migrate deploy`. @returns the names of the migrations it applied. */
const deploy = (external: readonly string[] = []) =>
  withSchemaEngine(database.url, async (engine) => {
    const { appliedMigrationNames } = await engine.applyMigrations({
      migrationsList: list,
      filters: filtersOf(external),
    });
    return appliedMigrationNames;
  });

/** What `prisma migrate dev` would do next: make a migration of what changed, or ask for a reset. */
const dev = (external: readonly string[] = []) =>
  withSchemaEngine(database.url, async (engine) => {
    const { action } = await engine.devDiagnostic({ migrationsList: list, filters: filtersOf(external) });
    return action.tag === 'reset' ? action.reason : action.tag;
  });

const OURS = [...TABLES, 'clerk_sync_migrations'].map((table) => `public.${table}`);
const inSchema = (url: string) => `${url}?schema=clerk`;

describe('an application that uses Prisma Migrate, with this service in a schema of its own', () => {
  test('migrates first, last, or again, and neither notices the other', async () => {
    expect(await migrate(inSchema(database.url))).not.toEqual([]);
    expect(await deploy()).toEqual(['20260101000000_orders']);
    expect(await dev()).toBe('createMigration');
    expect(await migrate(inSchema(database.url))).toEqual([]);
    await database.query('DROP SCHEMA clerk CASCADE');
    expect(await migrate(inSchema(database.url))).not.toEqual([]);
    expect(await deploy()).toEqual([]);
    expect(await dev()).toBe('createMigration');
  });
});

describe('an application that uses Prisma Migrate in the same schema', () => {
  test('deploys before and after, and is not asked for a reset where it calls our tables external', async () => {
    expect(await deploy()).toEqual(['20260101000000_orders']);
    expect(await migrate(database.url)).not.toEqual([]);
    expect(await deploy(OURS)).toEqual([]);
    expect(await dev(OURS)).toBe('createMigration');
    expect(await database.query('SELECT migration_name FROM _prisma_migrations')).toEqual([
      { migration_name: '20260101000000_orders' },
    ]);
    expect(await migrate(database.url)).toEqual([]);
    // Without that, they are tables that its own migrations do not explain.
    expect(await dev()).toMatch(/Added tables.*users/s);
  });

  test('may deploy for the first time after ours, if it calls our tables external', async () => {
    await migrate(database.url);
    await expect(deploy()).rejects.toThrow('The database schema is not empty');
    expect(await deploy(OURS)).toEqual(['20260101000000_orders']);
    expect(await migrate(database.url)).toEqual([]);
  });
});

test('README names every table that is to be called external', async () => {
  const [, list = ''] = /external: \[([^\]]*)\]/.exec(await readFile('README.md', 'utf8')) ?? [];
  expect([...list.matchAll(/'(public\.\w+)'/g)].map(([, name]) => name)).toEqual(OURS);
});
