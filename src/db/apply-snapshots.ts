import { CONTENT_FIELDS } from '../content-fields.js';
import type { Outcome, UserSnapshot, Writer } from '../user-change.js';
import { type Database, query } from './database.js';
import { snapshotApplies } from './freshness-rule.js';
import { Prisma } from './generated/client.js';
import { jsonText } from './json-text.js';
import { postgresFailure } from './postgres-failure.js';

export interface AppliedUser {
  clerkUserId: string;
  outcome: Outcome;
  /** Columns by their Prisma names, other fields by Clerk's; empty unless `updated` or `restored`. */
  changedFields: string[];
}

/** Column of the table, its type, and its name in Prisma, which is what the change log speaks. */
const COLUMNS = [
  ['email', 'text', 'email'],
  ['email_verified', 'boolean', 'emailVerified'],
  ['phone', 'text', 'phone'],
  ['username', 'text', 'username'],
  ['first_name', 'text', 'firstName'],
  ['last_name', 'text', 'lastName'],
  ['name', 'text', 'name'],
  ['avatar_url', 'text', 'avatarUrl'],
  ['external_id', 'text', 'externalId'],
  ['banned', 'boolean', 'banned'],
  ['deprovisioned', 'boolean', 'deprovisioned'],
  ['public_metadata', 'jsonb', 'publicMetadata'],
] as const;

/** Fields of `raw` that no column shows by the same name. */
const RAW_ONLY_FIELDS = CONTENT_FIELDS.filter((field) => !COLUMNS.some(([column]) => column === field));

const columnNames = COLUMNS.map(([column]) => column);
const list = (items: readonly string[]): string => items.join(', ');
const quoted = (items: readonly string[]): string => list(items.map((item) => `'${item}'`));

const INCOMING = Prisma.raw(
  list([
    'clerk_id text COLLATE "C"',
    ...COLUMNS.map(([column, type]) => `${column} ${type}`),
    'locked boolean, raw jsonb, last_sign_in_at timestamptz, clerk_created_at timestamptz, clerk_updated_at timestamptz',
    'observed_at timestamptz, observed_via text, content_hash text',
  ]),
);
const WRITTEN = `clerk_id, ${list(columnNames)}, locked, raw, last_sign_in_at, clerk_created_at, clerk_updated_at, observed_at, observed_via, content_hash`;
const OVERWRITTEN = Prisma.raw(
  list(
    [
      ...columnNames,
      'locked',
      'last_sign_in_at',
      'clerk_created_at',
      'clerk_updated_at',
      'observed_at',
      'observed_via',
      'content_hash',
      'synced_at',
      'synced_by',
    ].map((column) => `${column} = excluded.${column}`),
  ),
);
const CHANGED_FIELDS = Prisma.raw(`array(
    SELECT field FROM (VALUES ${list(COLUMNS.map(([column, , name]) => `('${name}', users.${column} IS DISTINCT FROM excluded.${column})`))}) AS columns (field, changed) WHERE changed
    UNION ALL
    SELECT field FROM unnest(ARRAY[${quoted(RAW_ONLY_FIELDS)}]) AS field WHERE users.raw -> field IS DISTINCT FROM excluded.raw -> field
  )`);

/**
 * Writes each snapshot whose version is newer than the row's, all in one statement, and logs what changed in the same
 * one. Rows are taken in the order of their ids, so that two writers cannot block each other for good.
 *
 * @param snapshots at most a page of Clerk's (500); of two of one user, the newer is taken.
 * @returns one entry a user: `created`; `updated` (content changed); `unchanged` (equal content; at most the version and
 *   what moves by itself were written, and nothing was logged); `stale` (an older version, or a webhook's word about a
 *   deleted user); `restored` (a tombstone ended).
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
    return await query<AppliedUser>(db, statement(jsonText(snapshots.map(toRecord)), writer));
  } catch (error) {
    throw postgresFailure(error, `Writing ${snapshots.length} user(s).`);
  }
}

function statement(records: string, writer: Writer): Prisma.Sql {
  return Prisma.sql`
WITH incoming AS MATERIALIZED (
  SELECT DISTINCT ON (clerk_id) *
  FROM jsonb_to_recordset(${records}::jsonb) AS record (${INCOMING})
  ORDER BY clerk_id, clerk_updated_at DESC, observed_at DESC
), stored AS MATERIALIZED (
  SELECT clerk_id, clerk_updated_at, observed_at, content_hash, locked, last_sign_in_at, deleted_at
  FROM users WHERE clerk_id IN (SELECT clerk_id FROM incoming)
), applied AS (
  INSERT INTO users (${Prisma.raw(WRITTEN)}, synced_at, synced_by, last_outcome)
  SELECT incoming.*, now(), ${writer}, 'created'
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
    last_changed_fields = CASE WHEN users.content_hash = excluded.content_hash THEN '{}' ELSE ${CHANGED_FIELDS} END,
    restored_at = CASE WHEN users.deleted_at IS NOT NULL THEN excluded.observed_at ELSE users.restored_at END,
    deleted_at = NULL
  WHERE ${snapshotApplies('onConflict')}
  RETURNING clerk_id, revision, last_outcome, last_changed_fields, clerk_updated_at, observed_at
), logged AS (
  INSERT INTO user_changes (clerk_id, revision, kind, writer, clerk_updated_at, observed_at, changed_fields, changed_at)
  SELECT clerk_id, revision, last_outcome, ${writer}, clerk_updated_at, observed_at, last_changed_fields, now()
  FROM applied WHERE last_outcome <> 'unchanged'
)
SELECT incoming.clerk_id AS "clerkUserId",
  coalesce(applied.last_outcome, CASE WHEN stored.deleted_at IS NULL AND stored.content_hash = incoming.content_hash THEN 'unchanged' ELSE 'stale' END) AS outcome,
  coalesce(applied.last_changed_fields, '{}') AS "changedFields"
FROM incoming LEFT JOIN applied USING (clerk_id) LEFT JOIN stored USING (clerk_id)`;
}

function toRecord(snapshot: UserSnapshot): Record<string, unknown> {
  const time = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());
  return {
    clerk_id: snapshot.clerkUserId,
    ...Object.fromEntries(COLUMNS.map(([column, , name]) => [column, snapshot.columns[name]])),
    locked: snapshot.locked,
    raw: snapshot.raw,
    last_sign_in_at: time(snapshot.lastSignInAtMs),
    clerk_created_at: time(snapshot.clerkCreatedAtMs),
    clerk_updated_at: time(snapshot.clerkUpdatedAtMs),
    observed_at: time(snapshot.observedAtMs),
    observed_via: snapshot.observedVia,
    content_hash: snapshot.contentHash,
  };
}
