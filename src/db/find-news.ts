import type { UserSnapshot } from '../user-change.js';
import { type Database, query } from './database.js';
import { snapshotApplies } from './freshness-rule.js';
import { Prisma } from './generated/client.js';
import { jsonText } from './json-text.js';
import { postgresFailure } from './postgres-failure.js';
import { STORED_USERS } from './stored-users.js';

/**
 * Compares a page's versions and hashes with the table, without sending the users themselves: mostly nothing is new, and
 * then this is all a page costs. What it finds old stays old whatever other writers do meanwhile.
 *
 * @returns ids of the snapshots that are `newer` than their rows or tombstones or have none, and of the `stale` ones; all others are
 *   unchanged.
 * @throws POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 */
export async function findNews(
  db: Database,
  snapshots: readonly UserSnapshot[],
): Promise<{ newer: Set<string>; stale: Set<string> }> {
  const versions = snapshots.map((snapshot) => ({
    clerk_id: snapshot.clerkUserId,
    clerk_updated_at: new Date(snapshot.clerkUpdatedAtMs),
    observed_at: new Date(snapshot.observedAtMs),
    observed_via: snapshot.observedVia,
    content_hash: snapshot.contentHash,
    locked: snapshot.locked,
    last_sign_in_at: snapshot.lastSignInAtMs === null ? null : new Date(snapshot.lastSignInAtMs),
  }));
  try {
    const rows = await query<{ clerkUserId: string; newer: boolean }>(
      db,
      Prisma.sql`
      WITH incoming AS MATERIALIZED (
        SELECT * FROM jsonb_to_recordset(${jsonText(versions)}::jsonb) AS record (
          clerk_id text COLLATE "C", clerk_updated_at timestamptz, observed_at timestamptz, observed_via text,
          content_hash text, locked boolean, last_sign_in_at timestamptz
        )
      ), ${STORED_USERS}
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
