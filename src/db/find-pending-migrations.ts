import { type Database, query } from './database.js';
import { Prisma } from './generated/client.js';
import { MIGRATIONS_LEDGER, migrationNames } from './migration-names.js';
import { postgresFailure } from './postgres-failure.js';

/**
 * @returns the migrations of this version that the tables have not had. None where nothing tells: the tables were made
 *   without `clerk-sync migrate`, or this role may not read what it noted.
 * @throws POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried); the second where a table is missing.
 */
export async function findPendingMigrations(db: Database): Promise<string[]> {
  try {
    const [ledger] = await query<{ isReadable: boolean | null }>(
      db,
      Prisma.sql`SELECT has_table_privilege(to_regclass(${MIGRATIONS_LEDGER}), 'SELECT') AS "isReadable"`,
    );
    if (ledger?.isReadable !== true) return [];
    const rows = await query<{ name: string }>(
      db,
      Prisma.sql`SELECT name FROM ${Prisma.raw(MIGRATIONS_LEDGER)}`,
    );
    const applied = new Set(rows.map(({ name }) => name));
    return (await migrationNames()).filter((name) => !applied.has(name));
  } catch (error) {
    throw postgresFailure(error, 'Looking which migrations were applied.');
  }
}
