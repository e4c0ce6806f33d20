import { type Database, query } from './database.js';
import { Prisma } from './generated/client.js';
import { postgresFailure } from './postgres-failure.js';

/**
 * @returns Clerk's `updated_at` in Unix milliseconds by id, of every live row: for the few thousand users of a stand-in.
 * @throws POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 */
export async function listVersions(db: Database): Promise<Map<string, number>> {
  try {
    const rows = await query<{ clerkUserId: string; clerkUpdatedAt: Date }>(
      db,
      Prisma.sql`
        SELECT clerk_id AS "clerkUserId", clerk_updated_at AS "clerkUpdatedAt" FROM users WHERE deleted_at IS NULL`,
    );
    return new Map(rows.map((row) => [row.clerkUserId, row.clerkUpdatedAt.getTime()]));
  } catch (error) {
    throw postgresFailure(error, 'Listing versions.');
  }
}
