import { CONTENT_FIELDS } from '../content-fields.js';
import type { UserSnapshot } from '../user-change.js';
import { Prisma } from './generated/client.js';
import { jsonText } from './json-text.js';

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

/** The columns that are content: what a snapshot changes in one of them is a change of the user. */
export const CONTENT_COLUMNS: readonly string[] = COLUMNS.map(([column]) => column);

/** Fields of `raw` that no column shows by the same name. */
const RAW_ONLY_FIELDS = CONTENT_FIELDS.filter((field) => !CONTENT_COLUMNS.includes(field));

const list = (items: readonly string[]): string => items.join(', ');

const SMALL_COLUMNS = Prisma.raw(
  `${list(CONTENT_COLUMNS)}, locked, last_sign_in_at, clerk_created_at, clerk_updated_at, observed_at, observed_via, content_hash`,
);
/** What a snapshot writes, in the order of `incoming`. */
export const SNAPSHOT_COLUMNS = Prisma.sql`clerk_id, ${SMALL_COLUMNS}, raw`;

const RECORD = Prisma.raw(
  list([
    'clerk_id text',
    ...COLUMNS.map(([column, type]) => `${column} ${type}`),
    'locked boolean, last_sign_in_at timestamptz, clerk_created_at timestamptz, clerk_updated_at timestamptz',
    'observed_at timestamptz, observed_via text, content_hash text',
  ]),
);

/** @returns the CTE `incoming` with one row a user; of two snapshots of one user, the newer is taken. */
export function incomingSnapshots(snapshots: readonly UserSnapshot[]): Prisma.Sql {
  // A line each, for JSON text has no line break: so Postgres parses each user once, and no more than its own text.
  const raws = snapshots.map(({ raw }) => jsonText(raw)).join('\n');
  return Prisma.sql`incoming AS MATERIALIZED (
  SELECT DISTINCT ON (clerk_id) clerk_id COLLATE "C" AS clerk_id, ${SMALL_COLUMNS}, raw::jsonb AS raw
  FROM ROWS FROM (
    json_to_recordset(${jsonText(snapshots.map(toRecord))}::json) AS (${RECORD}),
    string_to_table(${raws}, E'\\n')
  ) AS record (clerk_id, ${SMALL_COLUMNS}, raw)
  ORDER BY clerk_id, clerk_updated_at DESC, observed_at DESC
)`;
}

/** @returns the names of the fields in which a row of `users` and a row of the other name differ, as an array. */
export function changedFields(other: 'excluded' | 'incoming'): Prisma.Sql {
  const columns = COLUMNS.map(
    ([column, , name]) => `('${name}', users.${column} IS DISTINCT FROM ${other}.${column})`,
  );
  return Prisma.raw(`array(
    SELECT field FROM (VALUES ${list(columns)}) AS columns (field, changed) WHERE changed
    UNION ALL
    SELECT field FROM unnest(ARRAY[${list(RAW_ONLY_FIELDS.map((field) => `'${field}'`))}]) AS field WHERE users.raw -> field IS DISTINCT FROM ${other}.raw -> field
  )`);
}

/** @returns a row's value of the field that `field` names as `changedFields` does, as jsonb. */
export function valueOfField(row: 'users' | 'incoming'): Prisma.Sql {
  const columns = COLUMNS.map(([column, , name]) => `WHEN '${name}' THEN to_jsonb(${row}.${column})`);
  return Prisma.raw(`CASE field ${columns.join(' ')} ELSE ${row}.raw -> field END`);
}

function toRecord(snapshot: UserSnapshot): Record<string, unknown> {
  const time = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());
  return {
    clerk_id: snapshot.clerkUserId,
    ...Object.fromEntries(COLUMNS.map(([column, , name]) => [column, snapshot.columns[name]])),
    locked: snapshot.locked,
    last_sign_in_at: time(snapshot.lastSignInAtMs),
    clerk_created_at: time(snapshot.clerkCreatedAtMs),
    clerk_updated_at: time(snapshot.clerkUpdatedAtMs),
    observed_at: time(snapshot.observedAtMs),
    observed_via: snapshot.observedVia,
    content_hash: snapshot.contentHash,
  };
}
