import { type Database, query } from './database.js';
import { Prisma } from './generated/client.js';
import { postgresFailure } from './postgres-failure.js';

/**
 * @returns how many users the table has that are not deleted. The index `users_by_creation` holds just those.
 * @throws POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 */
export async function countLiveUsers(db: Database): Promise<number> {
  try {
    const [row] = await query<{ count: number }>(
      db,
      Prisma.sql`SELECT count(*)::int AS count FROM users WHERE deleted_at IS NULL`,
    );
    return row?.count ?? 0;
  } catch (error) {
    throw postgresFailure(error, 'Counting users.');
  }
}
