import type { DriftLabel } from '../drift.js';
import type { ObservedVia, Outcome, Writer } from '../user-change.js';
import { type Database, query } from './database.js';
import { deletionApplies } from './freshness-rule.js';
import { Prisma } from './generated/client.js';
import { jsonText } from './json-text.js';
import { isInstanceFailure, ofTablesInstance, writeToOwnInstance } from './of-instance.js';
import { postgresFailure } from './postgres-failure.js';
import { STORED_USERS } from './stored-users.js';

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
  /** The Clerk instance whose users these are; null, the default, where nobody said. As in apply-snapshots.ts. */
  instanceId?: string | null;
}

export interface DeletedUser {
  clerkUserId: string;
  outcome: Outcome;
  /** What a deletion that we found ourselves says about the row: `missed_delete` or `phantom`; null for an event's, and when nothing was deleted. */
  drift: DriftLabel | null;
}

/**
 * Turns rows into tombstones, one statement for all. The row stays, marked by `deleted_at`: late updates find it.
 *
 * @returns one entry a user: `deleted`; `unchanged` (it was deleted already, or its row is erased); `stale` (the row is newer than the
 *   deletion); `ignored` (no row, and none wanted).
 * @throws INSTANCE_MISMATCH (not retried) or INSTANCE_CHANGED: see {@link writeToOwnInstance}. ROW_REJECTED (not retried), POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
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
    return await writeToOwnInstance(db, { ...options, instanceId: options.instanceId ?? null }, () =>
      query<DeletedUser>(db, statement(jsonText(records), options), { erasureLock: 'shared' }),
    );
  } catch (error) {
    if (isInstanceFailure(error)) throw error;
    throw postgresFailure(error, `Deleting ${deletions.length} user(s).`);
  }
}

function statement(
  records: string,
  { writer, markUnknown, observedVia, instanceId = null }: DeletionOptions,
): Prisma.Sql {
  return Prisma.sql`
WITH incoming AS MATERIALIZED (
  SELECT DISTINCT ON (clerk_id) *
  FROM jsonb_to_recordset(${records}::jsonb) AS record (clerk_id text COLLATE "C", deleted_at timestamptz, observed_via text)
  WHERE ${ofTablesInstance(instanceId)}
  ORDER BY clerk_id, deleted_at DESC
), ${STORED_USERS}, applied AS (
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
  RETURNING clerk_id, revision, clerk_created_at, clerk_updated_at, observed_at, deleted_at
), labelled AS MATERIALIZED (
  SELECT applied.*, ${driftOf(observedVia)} FROM applied
), logged AS (
  INSERT INTO user_changes (clerk_id, revision, kind, writer, clerk_updated_at, observed_at, changed_at, drift, drift_since)
  SELECT clerk_id, revision, 'deleted', ${writer}, clerk_updated_at, deleted_at, now(), drift, drift_since FROM labelled
)
SELECT incoming.clerk_id AS "clerkUserId",
  CASE
    WHEN labelled.clerk_id IS NOT NULL THEN 'deleted'
    WHEN stored.deleted_at IS NOT NULL THEN 'unchanged'
    WHEN stored.clerk_id IS NULL AND NOT ${markUnknown} THEN 'ignored'
    ELSE 'stale'
  END AS outcome,
  labelled.drift
FROM incoming LEFT JOIN labelled USING (clerk_id) LEFT JOIN stored USING (clerk_id)`;
}

/**
 * The label of an applied deletion, and since when the row was wrong: the user was there when last seen, and when the
 * last whole sweep did not miss it. A webhook's user is a phantom when a sweep before the webhook, well after the
 * creation that it tells of, had not listed it.
 */
function driftOf(observedVia: ObservedVia): Prisma.Sql {
  if (observedVia !== 'api') return Prisma.sql`NULL AS drift, NULL::timestamptz AS drift_since`;
  return Prisma.sql`
    CASE WHEN EXISTS (
      SELECT FROM (
        SELECT kind, writer, changed_at FROM user_changes WHERE clerk_id = applied.clerk_id ORDER BY revision, id LIMIT 1
      ) AS first JOIN reconcile_runs AS sweep ON sweep.finished_at < first.changed_at AND sweep.started_at < first.changed_at
      WHERE first.kind = 'created' AND first.writer = 'webhook' AND sweep.kind = 'sweep' AND sweep.status = 'completed'
        AND sweep.started_at > applied.clerk_created_at + interval '1 minute'
    ) THEN 'phantom' ELSE 'missed_delete' END AS drift,
    least(applied.deleted_at, greatest(applied.observed_at, (
      SELECT started_at FROM reconcile_runs WHERE kind = 'sweep' AND status = 'completed' ORDER BY started_at DESC LIMIT 1
    ))) AS drift_since`;
}
