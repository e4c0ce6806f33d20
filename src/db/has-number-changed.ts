import { type Database, query } from './database.js';
import { Prisma } from './generated/client.js';
import { postgresFailure } from './postgres-failure.js';

/**
 * @param sinceMs Unix milliseconds, by the database's clock.
 * @returns whether a user was added or removed since: the log says so, at a fraction of what counting the users costs.
 * @throws POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 */
export async function hasNumberChanged(db: Database, sinceMs: number): Promise<boolean> {
  try {
    const [row] = await query<{ changed: boolean }>(
      db,
      Prisma.sql`
      SELECT EXISTS (
        SELECT FROM user_changes WHERE changed_at > ${new Date(sinceMs)}::timestamptz AND kind <> 'updated'
      ) AS changed`,
    );
    return row?.changed ?? true;
  } catch (error) {
    throw postgresFailure(error, 'Looking for users added or removed.');
  }
}
