import type { UserSnapshot } from '../user-change.js';
import { type Database, query } from './database.js';
import { candidatesOf, type ListedPage } from './deletion-candidates.js';
import { snapshotApplies } from './freshness-rule.js';
import { Prisma } from './generated/client.js';
import { incomingVersions } from './incoming.js';
import { postgresFailure } from './postgres-failure.js';
import { STORED_USERS } from './stored-users.js';

/**
 * Compares a page's versions and hashes with the table, without sending the users themselves: mostly nothing is new, and
 * then this is all a page costs. What it finds old stays old whatever other writers do meanwhile.
 *
 * @param page where the snapshots stand in Clerk's list: live rows that belong there and are missing then become candidates
 *   for deletion, and those listed are none any more.
 * @returns ids of the snapshots that are `newer` than their rows or tombstones or have none, and of the `stale` ones; all others are
 *   unchanged.
 * @throws POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 */
export async function findNews(
  db: Database,
  snapshots: readonly UserSnapshot[],
  page?: ListedPage,
): Promise<{ newer: Set<string>; stale: Set<string> }> {
  try {
    const rows = await query<{ clerkUserId: string; newer: boolean }>(
      db,
      Prisma.sql`
      WITH ${incomingVersions(snapshots)}, ${STORED_USERS}${page ? Prisma.sql`, ${candidatesOf(page)}` : Prisma.empty}
      SELECT clerk_id AS "clerkUserId", newer
      FROM (
        SELECT clerk_id, stored.clerk_updated_at IS NULL OR ${snapshotApplies('before')} AS newer,
          stored.deleted_at IS NULL AND stored.content_hash = incoming.content_hash AS same
        FROM incoming LEFT JOIN stored USING (clerk_id)
      ) AS compared
      WHERE newer OR NOT same`,
    );
    const idsOf = (newer: boolean) =>
      new Set(rows.filter((row) => row.newer === newer).map((row) => row.clerkUserId));
    return { newer: idsOf(true), stale: idsOf(false) };
  } catch (error) {
    throw postgresFailure(error, `Comparing ${snapshots.length} user(s).`);
  }
}
