import type { Outcome, UserSnapshot, Writer } from '../user-change.js';
import { type Database, query } from './database.js';
import { snapshotApplies } from './freshness-rule.js';
import { Prisma } from './generated/client.js';
import { incomingSnapshots, WRITTEN_COLUMNS } from './incoming.js';
import { postgresFailure } from './postgres-failure.js';
import { STORED_USERS } from './stored-users.js';
import { changedFields } from './user-columns.js';

export interface AppliedUser {
  clerkUserId: string;
  outcome: Outcome;
  /** Columns by their Prisma names, other fields by Clerk's; empty unless `updated` or `restored`. */
  changedFields: string[];
}

const INSERTED = Prisma.raw(WRITTEN_COLUMNS.join(', '));
const OVERWRITTEN = Prisma.raw(
  [...WRITTEN_COLUMNS.filter((column) => column !== 'raw'), 'synced_at', 'synced_by']
    .map((column) => `${column} = excluded.${column}`)
    .join(', '),
);

/**
 * Writes each snapshot whose version is newer than the row's, all in one statement, and logs what changed in the same
 * one. Rows are taken in the order of their ids, so that two writers cannot block each other for good. What a reconcile
 * wrote is logged with what it says about how the row had differed.
 *
 * @param snapshots at most a page of Clerk's (500); of two of one user, the newer is taken.
 * @returns one entry a user: `created`; `updated` (content changed); `unchanged` (equal content; at most the version and
 *   what moves by itself were written, and nothing was logged); `stale` (an older version, or a webhook's word about a
 *   deleted user); `restored` (a tombstone ended, be it a row or what was left of one that was erased).
 * @throws ROW_REJECTED (not retried), POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 * @remarks Safe to repeat: the second time nothing is newer, so nothing is written.
 * @see https://www.postgresql.org/docs/current/sql-insert.html#SQL-ON-CONFLICT
 */
export async function applySnapshots(
  db: Database,
  snapshots: readonly UserSnapshot[],
  writer: Writer,
): Promise<AppliedUser[]> {
  if (snapshots.length === 0) return [];
  try {
    return await query<AppliedUser>(db, statement(snapshots, writer), { erasureLock: 'shared' });
  } catch (error) {
    throw postgresFailure(error, `Writing ${snapshots.length} user(s).`);
  }
}

function statement(snapshots: readonly UserSnapshot[], writer: Writer): Prisma.Sql {
  return Prisma.sql`
WITH ${incomingSnapshots(snapshots)}, ${STORED_USERS}, applied AS (
  INSERT INTO users (clerk_id, ${INSERTED}, synced_at, synced_by, last_outcome, restored_at, revision)
  SELECT incoming.*, now(), ${writer},
    CASE WHEN stored.is_erased THEN 'restored' ELSE 'created' END,
    CASE WHEN stored.is_erased THEN incoming.observed_at END,
    CASE WHEN stored.is_erased THEN stored.revision + 1 ELSE 1 END
  FROM incoming LEFT JOIN stored USING (clerk_id)
  WHERE stored.clerk_id IS NULL OR ${snapshotApplies('before')}
  ORDER BY incoming.clerk_id
  ON CONFLICT (clerk_id) DO UPDATE SET
    ${OVERWRITTEN},
    raw = CASE WHEN users.raw ? 'scim' AND NOT excluded.raw ? 'scim'
      THEN excluded.raw || jsonb_build_object('scim', users.raw -> 'scim') ELSE excluded.raw END,
    revision = users.revision + (users.deleted_at IS NOT NULL OR users.content_hash <> excluded.content_hash)::int,
    last_outcome = CASE
      WHEN users.deleted_at IS NOT NULL THEN 'restored'
      WHEN users.content_hash <> excluded.content_hash THEN 'updated'
      ELSE 'unchanged' END,
    last_changed_fields = CASE WHEN users.content_hash = excluded.content_hash THEN '{}' ELSE ${changedFields('excluded')} END,
    restored_at = CASE WHEN users.deleted_at IS NOT NULL THEN excluded.observed_at ELSE users.restored_at END,
    deleted_at = NULL
  WHERE ${snapshotApplies('onConflict')}
  RETURNING clerk_id, revision, last_outcome, last_changed_fields, clerk_created_at, clerk_updated_at, observed_at
), logged AS (
  INSERT INTO user_changes (clerk_id, revision, kind, writer, clerk_updated_at, observed_at, changed_fields, changed_at, drift, drift_since)
  SELECT clerk_id, revision, last_outcome, ${writer}, clerk_updated_at, observed_at, last_changed_fields, now(), ${driftOf(writer)}
  FROM applied WHERE last_outcome <> 'unchanged'
), ended AS (
  DELETE FROM user_tombstones USING stored JOIN applied USING (clerk_id)
  WHERE user_tombstones.clerk_id = stored.clerk_id AND stored.is_erased
)
SELECT incoming.clerk_id AS "clerkUserId",
  coalesce(applied.last_outcome, CASE WHEN stored.deleted_at IS NULL AND stored.content_hash = incoming.content_hash THEN 'unchanged' ELSE 'stale' END) AS outcome,
  coalesce(applied.last_changed_fields, '{}') AS "changedFields"
FROM incoming LEFT JOIN applied USING (clerk_id) LEFT JOIN stored USING (clerk_id)`;
}

/** The label, and since when the row had differed. What other writers write is news, not drift. */
function driftOf(writer: Writer): Prisma.Sql {
  if (writer !== 'reconcile') return Prisma.sql`NULL, NULL`;
  return Prisma.sql`
    CASE last_outcome WHEN 'updated' THEN 'missed_update' ELSE 'missed_create' END,
    CASE last_outcome WHEN 'created' THEN clerk_created_at ELSE clerk_updated_at END`;
}
