import type { ObservedVia, Outcome, Writer } from '../user-change.js';
import { type Database, query } from './database.js';
import { deletionApplies } from './freshness-rule.js';
import { Prisma } from './generated/client.js';
import { jsonText } from './json-text.js';
import { postgresFailure } from './postgres-failure.js';

export interface Deletion {
  clerkUserId: string;
  /** The deletion's version, Unix milliseconds: the event's `timestamp`, or when the request started that missed the user. */
  deletedAtMs: number;
}

export interface DeletionOptions {
  observedVia: ObservedVia;
  writer: Writer;
  /** Whether a user never seen here gets a tombstone: so for an event, which an update may follow late; not for an absence. */
  markUnknown: boolean;
}

export interface DeletedUser {
  clerkUserId: string;
  outcome: Outcome;
}

/**
 * Turns rows into tombstones, one statement for all. The row stays, marked by `deleted_at`: late updates find it.
 *
 * @returns one entry a user: `deleted`; `unchanged` (it was deleted already); `stale` (the row is newer than the
 *   deletion); `ignored` (no row, and none wanted).
 * @throws ROW_REJECTED (not retried), POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 * @remarks Safe to repeat: a tombstone is not written twice.
 */
export async function applyDeletions(
  db: Database,
  deletions: readonly Deletion[],
  options: DeletionOptions,
): Promise<DeletedUser[]> {
  if (deletions.length === 0) return [];
  const records = deletions.map(({ clerkUserId, deletedAtMs }) => ({
    clerk_id: clerkUserId,
    deleted_at: new Date(deletedAtMs).toISOString(),
    observed_via: options.observedVia,
  }));
  try {
    return await query<DeletedUser>(db, statement(jsonText(records), options));
  } catch (error) {
    throw postgresFailure(error, `Deleting ${deletions.length} user(s).`);
  }
}

function statement(records: string, { writer, markUnknown }: DeletionOptions): Prisma.Sql {
  return Prisma.sql`
WITH incoming AS MATERIALIZED (
  SELECT DISTINCT ON (clerk_id) *
  FROM jsonb_to_recordset(${records}::jsonb) AS record (clerk_id text COLLATE "C", deleted_at timestamptz, observed_via text)
  ORDER BY clerk_id, deleted_at DESC
), stored AS MATERIALIZED (
  SELECT clerk_id, clerk_updated_at, observed_at, deleted_at, restored_at
  FROM users WHERE clerk_id IN (SELECT clerk_id FROM incoming)
), applied AS (
  INSERT INTO users (clerk_id, clerk_updated_at, observed_at, observed_via, content_hash, synced_at, synced_by, last_outcome, deleted_at)
  SELECT clerk_id, incoming.deleted_at, incoming.deleted_at, incoming.observed_via, '', now(), ${writer}, 'deleted', incoming.deleted_at
  FROM incoming LEFT JOIN stored USING (clerk_id)
  WHERE CASE WHEN stored.clerk_id IS NULL THEN ${markUnknown} ELSE ${deletionApplies('before')} END
  ORDER BY incoming.clerk_id
  ON CONFLICT (clerk_id) DO UPDATE SET
    deleted_at = excluded.deleted_at,
    revision = users.revision + 1,
    last_outcome = 'deleted',
    last_changed_fields = '{}',
    synced_at = excluded.synced_at,
    synced_by = excluded.synced_by
  WHERE ${deletionApplies('onConflict')}
  RETURNING clerk_id, revision, clerk_updated_at, deleted_at
), logged AS (
  INSERT INTO user_changes (clerk_id, revision, kind, writer, clerk_updated_at, observed_at, changed_at)
  SELECT clerk_id, revision, 'deleted', ${writer}, clerk_updated_at, deleted_at, now() FROM applied
)
SELECT incoming.clerk_id AS "clerkUserId",
  CASE
    WHEN applied.clerk_id IS NOT NULL THEN 'deleted'
    WHEN stored.deleted_at IS NOT NULL THEN 'unchanged'
    WHEN stored.clerk_id IS NULL AND NOT ${markUnknown} THEN 'ignored'
    ELSE 'stale'
  END AS outcome
FROM incoming LEFT JOIN applied USING (clerk_id) LEFT JOIN stored USING (clerk_id)`;
}
