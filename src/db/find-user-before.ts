import { IS_ASKABLE } from './askable.js';
import { type CreationPlace, liveIn } from './creation-range.js';
import { type Database, query } from './database.js';
import { Prisma } from './generated/client.js';
import { postgresFailure } from './postgres-failure.js';

/**
 * @param wanted.fromMs where the sweep's window begins; null for no bound. Unix milliseconds.
 * @param wanted.skipped how many users to go further back.
 * @returns a live user created before a place, with 0 skipped the last: where a sweep goes on when Clerk refuses its cursor because that
 *   user is gone by now; null when the window has none.
 * @throws POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 */
export async function findUserBefore(
  db: Database,
  place: CreationPlace,
  { fromMs, skipped }: { fromMs: number | null; skipped: number },
): Promise<CreationPlace | null> {
  try {
    const [row] = await query<{ clerkUserId: string; clerkCreatedAt: Date }>(
      db,
      Prisma.sql`
      SELECT clerk_id AS "clerkUserId", clerk_created_at AS "clerkCreatedAt" FROM users
      WHERE ${liveIn({ fromMs, toMs: null, after: null, upTo: null })}
        AND ${IS_ASKABLE} AND (clerk_created_at, clerk_id) < (${new Date(place.clerkCreatedAtMs)}::timestamptz, ${place.clerkUserId}::text COLLATE "C")
      ORDER BY clerk_created_at DESC, clerk_id DESC
      LIMIT 1 OFFSET ${skipped}`,
    );
    return row ? { clerkUserId: row.clerkUserId, clerkCreatedAtMs: row.clerkCreatedAt.getTime() } : null;
  } catch (error) {
    throw postgresFailure(error, 'Looking for the user before a cursor.');
  }
}
