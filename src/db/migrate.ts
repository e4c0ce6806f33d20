import { createHash, randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { readPostgresUrl } from './postgres-url.js';

const MIGRATIONS = fileURLToPath(new URL('../../prisma/migrations', import.meta.url));
/** Any number that nobody else locks; Prisma's own is another. */
const ADVISORY_LOCK = 2_026_112_100;

/** Prisma's own record of migrations, as its CLI makes it and reads it. */
const RECORD = `CREATE TABLE IF NOT EXISTS _prisma_migrations (
  id VARCHAR(36) PRIMARY KEY NOT NULL, checksum VARCHAR(64) NOT NULL, finished_at TIMESTAMPTZ,
  migration_name VARCHAR(255) NOT NULL, logs TEXT, rolled_back_at TIMESTAMPTZ,
  started_at TIMESTAMPTZ NOT NULL DEFAULT now(), applied_steps_count INTEGER NOT NULL DEFAULT 0)`;

/**
 * Applies the migrations of prisma/migrations that the database has not had, and records them as `prisma migrate deploy`
 * would. The database may hold an application's tables already; a schema that the URL names is made; nothing is downloaded.
 *
 * @returns the names of the migrations that were applied now; empty when the database was up to date.
 * @throws Error that names the migration and what Postgres said; then nothing was changed.
 * @remarks Several processes may call it at once: one migrates, the others wait.
 */
export async function migrate(databaseUrl: string): Promise<string[]> {
  const { config, schema } = readPostgresUrl(databaseUrl);
  const client = new Client({ ...config, connectionTimeoutMillis: 10_000 });
  // A connection that breaks fails the query in hand; without a listener it would also end the process.
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query('BEGIN');
    await client.query('SELECT pg_advisory_xact_lock($1)', [ADVISORY_LOCK]);
    if (schema !== null) await client.query(`CREATE SCHEMA IF NOT EXISTS "${schema}"`);
    await client.query(RECORD);
    const pending = await pendingMigrations(client);
    for (const name of pending) await apply(client, name);
    await client.query('COMMIT');
    return pending;
  } finally {
    await client.end();
  }
}

async function pendingMigrations(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ migration_name: string }>(
    'SELECT migration_name FROM _prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL',
  );
  const applied = new Set(rows.map((row) => row.migration_name));
  const entries = await readdir(MIGRATIONS, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() && !applied.has(entry.name))
    .map((entry) => entry.name)
    .sort();
}

async function apply(client: Client, name: string): Promise<void> {
  const sql = await readFile(path.join(MIGRATIONS, name, 'migration.sql'), 'utf8');
  try {
    await client.query(sql);
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`Migration ${name} failed, and nothing was changed: ${said}${wayOut(said)}`, { cause });
  }
  await client.query(
    `INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
     VALUES ($1, $2, $3, clock_timestamp(), clock_timestamp(), 1)`,
    [randomUUID(), createHash('sha256').update(sql).digest('hex'), name],
  );
}

/** Most applications have a table of this name. */
const wayOut = (said: string) =>
  /^relation "\w+" already exists/.test(said)
    ? '. The application has a table of that name: give this service a database or a schema of its own, see "Your table" in README.'
    : '';
