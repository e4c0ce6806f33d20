import type { Database } from './database.js';
import { postgresFailure } from './postgres-failure.js';

/**
 * @returns Clerk's `updated_at` in Unix milliseconds by id, of every live row: for the few thousand users of a stand-in.
 * @throws POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 */
export async function listVersions(db: Database): Promise<Map<string, number>> {
  try {
    const rows = await db.user.findMany({
      where: { deletedAt: null },
      select: { clerkId: true, clerkUpdatedAt: true },
    });
    return new Map(rows.map((row) => [row.clerkId, row.clerkUpdatedAt.getTime()]));
  } catch (error) {
    throw postgresFailure(error, 'Listing versions.');
  }
}
