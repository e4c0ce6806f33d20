import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { withSchemaEngine } from './schema-engine.js';

const MIGRATIONS = fileURLToPath(new URL('../../prisma/migrations', import.meta.url));
/** Any number that nobody else locks; Prisma's own is another. */
const ADVISORY_LOCK = 2_026_112_100;

/**
 * Applies the migrations of prisma/migrations that the database has not had, as `prisma migrate deploy` would, and
 * records them in the same `_prisma_migrations` table. Several processes may call it at once: one migrates, the others wait.
 *
 * @returns the names of the migrations that were applied now; empty when the database was up to date.
 * @throws Error that names the migration and what Postgres said; a migration is applied whole or not at all.
 */
export async function migrate(databaseUrl: string): Promise<string[]> {
  const lock = new Client({ connectionString: databaseUrl, connectionTimeoutMillis: 10_000 });
  await lock.connect();
  try {
    // In a transaction, so that a pooler cannot hand the lock to somebody else.
    await lock.query('BEGIN');
    await lock.query('SELECT pg_advisory_xact_lock($1)', [ADVISORY_LOCK]);
    const migrationsList = await readMigrations();
    return await withSchemaEngine(databaseUrl, async (engine) => {
      const filters = { externalTables: [], externalEnums: [] };
      return (await engine.applyMigrations({ migrationsList, filters })).appliedMigrationNames;
    });
  } finally {
    await lock.end();
  }
}

async function readMigrations() {
  const entries = await readdir(MIGRATIONS, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  const migrationDirectories = await Promise.all(
    names.sort().map(async (name) => {
      const value = await readFile(path.join(MIGRATIONS, name, 'migration.sql'), 'utf8');
      return { path: name, migrationFile: { path: 'migration.sql', content: { tag: 'ok' as const, value } } };
    }),
  );
  const content = await readFile(path.join(MIGRATIONS, 'migration_lock.toml'), 'utf8');
  return {
    baseDir: MIGRATIONS,
    lockfile: { path: 'migration_lock.toml', content },
    shadowDbInitScript: '',
    migrationDirectories,
  };
}
