import type { Database } from './database.js';
import { postgresFailure } from './postgres-failure.js';

/**
 * @returns how many users the table has that are not deleted.
 * @throws POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 */
export async function countLiveUsers(db: Database): Promise<number> {
  try {
    return await db.user.count({ where: { deletedAt: null } });
  } catch (error) {
    throw postgresFailure(error, 'Counting users.');
  }
}
