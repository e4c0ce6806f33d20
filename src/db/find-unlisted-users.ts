import { type Database, query } from './database.js';
import { Prisma } from './generated/client.js';
import { postgresFailure } from './postgres-failure.js';

/** A user's place in the order of creation, ids breaking ties. */
export interface CreationPlace {
  clerkUserId: string;
  clerkCreatedAtMs: number;
}

export interface UnlistedQuery {
  /** The user the page started after; null for the first page. */
  after: CreationPlace | null;
  /** The page's last user; null for the last page, which reaches to the end. */
  upTo: CreationPlace | null;
  listedIds: readonly string[];
  /** Rows observed since then are newer than the page and say nothing. Unix milliseconds. */
  observedBeforeMs: number;
  most: number;
}

/**
 * Finds live rows that belong on a page of Clerk's list and were not on it: candidates for deletion, no more.
 *
 * The pages' ranges cover every row exactly once, so a whole sweep misses none. Where Clerk orders users created in the
 * same millisecond otherwise than by id, a live user may be a candidate; asking Clerk by id then clears it.
 *
 * @throws POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 */
export async function findUnlistedUsers(db: Database, wanted: UnlistedQuery): Promise<string[]> {
  const place = ({ clerkCreatedAtMs, clerkUserId }: CreationPlace) =>
    Prisma.sql`(${new Date(clerkCreatedAtMs)}::timestamptz, ${clerkUserId}::text COLLATE "C")`;
  try {
    const rows = await query<{ clerkUserId: string }>(
      db,
      Prisma.sql`
      SELECT clerk_id AS "clerkUserId" FROM users
      WHERE deleted_at IS NULL
        AND observed_at < ${new Date(wanted.observedBeforeMs)}::timestamptz
        ${wanted.after === null ? Prisma.empty : Prisma.sql`AND (clerk_created_at, clerk_id) > ${place(wanted.after)}`}
        ${wanted.upTo === null ? Prisma.empty : Prisma.sql`AND (clerk_created_at, clerk_id) <= ${place(wanted.upTo)}`}
        AND NOT (clerk_id = ANY (${wanted.listedIds}::text[]))
      ORDER BY clerk_created_at, clerk_id
      LIMIT ${wanted.most}`,
    );
    return rows.map((row) => row.clerkUserId);
  } catch (error) {
    throw postgresFailure(error, 'Looking for users that Clerk did not list.');
  }
}
