import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Client, escapeIdentifier, escapeLiteral } from 'pg';
import { MIGRATIONS_FOLDER, MIGRATIONS_LEDGER, migrationNames } from './migration-names.js';
import { migrationRefused } from './migration-refused.js';
import { readPostgresUrl } from './postgres-url.js';
import { beginTransaction, findHome, type Home } from './session.js';

/** Any number that nobody else locks; Prisma's own is another. */
const ADVISORY_LOCK = 2_026_112_100;

/**
 * Applies the migrations of prisma/migrations that the schema has not had, and notes them in the table
 * `clerk_sync_migrations` beside the others. The database may hold an application's tables already; a schema that the URL
 * names is made if it is not there; nothing is downloaded.
 *
 * @returns the names of the migrations that were applied now; empty when the tables were up to date, and then nothing was
 *   written: the role needs no right to make anything.
 * @throws Error that names the migration and what Postgres said; then nothing was changed.
 * @remarks Several processes may call it at once: one migrates, the others wait. All is one transaction, which sets what it
 *   relies on, so that any pooler will do.
 */
export async function migrate(databaseUrl: string): Promise<string[]> {
  const { config, schema } = readPostgresUrl(databaseUrl);
  const client = new Client({ ...config, connectionTimeoutMillis: 10_000 });
  // A connection that breaks fails the query in hand; without a listener it would also end the process.
  client.on('error', () => undefined);
  await client.connect();
  try {
    const home = await findHome(client, schema);
    await client.query(beginTransaction(home, { statementTimeoutMs: 0 }));
    const target = targetOf(home);
    if (schema === null) await refuseAmbiguity(client, target);
    const applied = await migrateIn(client, target);
    await client.query('COMMIT');
    return applied;
  } finally {
    await client.end();
  }
}

function targetOf({ path: [target] }: Home): string {
  if (target !== undefined) return target;
  throw new Error(
    'The search path of this role names no schema that it may use. Name one in DATABASE_URL, by ?schema=clerk at its end.',
  );
}

/** A second installation is made only where it was asked for. */
async function refuseAmbiguity(client: Client, target: string): Promise<void> {
  const { rows } = await client.query<{ schema: string }>(
    `SELECT nspname AS schema FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE pg_class.oid = to_regclass('${MIGRATIONS_LEDGER}')`,
  );
  const [found] = rows;
  if (found === undefined || found.schema === target) return;
  throw new Error(
    `The tables are in the schema ${found.schema} already, but the search path of this role begins with ${target}. Say which one is meant, by ?schema=… at the end of DATABASE_URL.`,
  );
}

async function migrateIn(client: Client, target: string): Promise<string[]> {
  if ((await pendingMigrations(client, await lookAt(client, target))).length === 0) return [];
  await client.query('SELECT pg_advisory_xact_lock($1)', [ADVISORY_LOCK]);
  // Another process may have been first.
  const found = await lookAt(client, target);
  const pending = await pendingMigrations(client, found);
  if (pending.length === 0) return [];
  if (!found.hasSchema) await makeSchema(client, target);
  for (const name of pending) await apply(client, found, name);
  return pending;
}

interface Found {
  target: string;
  /** The ledger, qualified and quoted. */
  ledger: string;
  hasSchema: boolean;
  hasLedger: boolean;
}

async function lookAt(client: Client, target: string): Promise<Found> {
  const ledger = `${escapeIdentifier(target)}.${MIGRATIONS_LEDGER}`;
  const { rows } = await client
    .query<{ hasSchema: boolean; hasLedger: boolean; encoding: string }>(
      `SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = ${escapeLiteral(target)}) AS "hasSchema",
        to_regclass(${escapeLiteral(ledger)}) IS NOT NULL AS "hasLedger",
        current_setting('server_encoding') AS encoding`,
    )
    .catch((cause: unknown) => {
      throw migrationRefused('Looking at the schema failed', cause, target);
    });
  const [found] = rows;
  if (found === undefined) throw new Error('No row.');
  if (found.encoding !== 'UTF8')
    throw new Error(
      `The encoding of the database is ${found.encoding}, which cannot hold every name: this service needs one made with ENCODING 'UTF8'.`,
    );
  return { target, ledger, hasSchema: found.hasSchema, hasLedger: found.hasLedger };
}

async function pendingMigrations(client: Client, { ledger, hasLedger }: Found): Promise<string[]> {
  const { rows } = hasLedger
    ? await client.query<{ name: string }>(`SELECT name FROM ${ledger}`)
    : { rows: [] };
  const applied = new Set(rows.map(({ name }) => name));
  return (await migrationNames()).filter((name) => !applied.has(name));
}

async function makeSchema(client: Client, target: string): Promise<void> {
  await client.query(`CREATE SCHEMA ${escapeIdentifier(target)}`).catch((cause: unknown) => {
    throw migrationRefused('Making the schema failed', cause, target);
  });
}

async function apply(client: Client, { target, ledger }: Found, name: string): Promise<void> {
  const sql = await readFile(path.join(MIGRATIONS_FOLDER, name, 'migration.sql'), 'utf8');
  try {
    await client.query(
      `CREATE TABLE IF NOT EXISTS ${ledger} (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())`,
    );
    await client.query(sql);
    await client.query(`INSERT INTO ${ledger} (name) VALUES ($1)`, [name]);
  } catch (cause) {
    throw migrationRefused(`Migration ${name} failed`, cause, target);
  }
}
