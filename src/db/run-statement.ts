import { type Database, type QueryOptions, query } from './database.js';
import type { Prisma } from './generated/client.js';
import { postgresFailure } from './postgres-failure.js';

/**
 * @param doing what the statement is for, in a sentence without personal data.
 * @returns its rows.
 * @throws ROW_REJECTED (not retried), POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 */
export async function runStatement<Row extends object>(
  db: Database,
  doing: string,
  statement: Prisma.Sql,
  options?: QueryOptions,
): Promise<Row[]> {
  try {
    return await query<Row>(db, statement, options);
  } catch (error) {
    throw postgresFailure(error, doing);
  }
}
