import type { Database } from './database.js';
import type { User } from './generated/client.js';
import { postgresFailure } from './postgres-failure.js';

/** A row of `users`, in the names of the Prisma model. */
export type UserRow = User;

/**
 * @returns the user's row, a tombstone's too; null when there is none.
 * @throws POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 */
export async function findUserRow(db: Database, clerkUserId: string): Promise<UserRow | null> {
  try {
    return await db.user.findUnique({ where: { clerkId: clerkUserId } });
  } catch (error) {
    throw postgresFailure(error, 'Reading a user.');
  }
}
