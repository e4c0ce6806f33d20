import { type Database, query } from './database.js';
import type { CreationPlace } from './find-unlisted-users.js';
import { Prisma } from './generated/client.js';
import { postgresFailure } from './postgres-failure.js';

/**
 * @returns the live user created last before a place: where a sweep goes on when Clerk refuses its cursor because that
 *   user is gone by now; null when there is none.
 * @throws POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 */
export async function findUserBefore(db: Database, place: CreationPlace): Promise<CreationPlace | null> {
  try {
    const [row] = await query<{ clerkUserId: string; clerkCreatedAt: Date }>(
      db,
      Prisma.sql`
      SELECT clerk_id AS "clerkUserId", clerk_created_at AS "clerkCreatedAt" FROM users
      WHERE deleted_at IS NULL
        AND (clerk_created_at, clerk_id) < (${new Date(place.clerkCreatedAtMs)}::timestamptz, ${place.clerkUserId}::text COLLATE "C")
      ORDER BY clerk_created_at DESC, clerk_id DESC
      LIMIT 1`,
    );
    return row ? { clerkUserId: row.clerkUserId, clerkCreatedAtMs: row.clerkCreatedAt.getTime() } : null;
  } catch (error) {
    throw postgresFailure(error, 'Looking for the user before a cursor.');
  }
}
