import { IS_ASKABLE } from './askable.js';
import { type CreationRange, liveIn } from './creation-range.js';
import { type Database, query } from './database.js';
import { Prisma } from './generated/client.js';
import { postgresFailure } from './postgres-failure.js';

export interface UnlistedQuery {
  /** Where a page of Clerk's list lies. */
  range: CreationRange;
  listedIds: readonly string[];
  /** Rows observed since then are newer than the page and say nothing. Unix milliseconds. */
  observedBeforeMs: number;
  most: number;
}

/** The condition on `users` that a row belongs on a page of Clerk's list and was not on it. */
export function unlisted({ range, observedBeforeMs, listedIds }: Omit<UnlistedQuery, 'most'>): Prisma.Sql {
  return Prisma.sql`${liveIn(range)}
        AND observed_at < ${new Date(observedBeforeMs)}::timestamptz
        AND NOT (clerk_id = ANY (${listedIds}::text[]))`;
}

/**
 * @param withGone whether rows count whose users Clerk, asked by id, did not have.
 * @returns ids of live rows that belong on a page of Clerk's list and were not on it, in order of creation; without
 *   those that an operator keeps, and those about whom nobody can ask Clerk.
 * @throws POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 */
export async function findUnlistedUsers(
  db: Database,
  wanted: UnlistedQuery,
  { withGone }: { withGone: boolean },
): Promise<string[]> {
  try {
    const rows = await query<{ clerkUserId: string }>(
      db,
      Prisma.sql`
      SELECT clerk_id AS "clerkUserId" FROM users
      WHERE ${unlisted(wanted)}
        AND ${IS_ASKABLE} AND NOT EXISTS (
          SELECT FROM deletion_candidates AS known WHERE known.clerk_id = users.clerk_id
            AND (rejected_at IS NOT NULL ${withGone ? Prisma.empty : Prisma.sql`OR gone_at >= observed_at`})
        )
      ORDER BY clerk_created_at, clerk_id
      LIMIT ${wanted.most}`,
    );
    return rows.map((row) => row.clerkUserId);
  } catch (error) {
    throw postgresFailure(error, 'Looking for users that Clerk did not list.');
  }
}
