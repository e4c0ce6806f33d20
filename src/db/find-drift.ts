import type { JsonValue, MappedColumn, UserSnapshot } from '../user-change.js';
import { type Database, query } from './database.js';
import { snapshotApplies } from './freshness-rule.js';
import { Prisma } from './generated/client.js';
import { incomingSnapshots } from './incoming.js';
import { postgresFailure } from './postgres-failure.js';
import { STORED_USERS } from './stored-users.js';
import { mappedFailure } from './unfit-columns.js';
import { changedFields, mappedColumns, valueOfField } from './user-columns.js';

/** What a field holds here and what Clerk says; personal data. */
export interface FieldValues {
  field: string;
  stored: JsonValue;
  incoming: JsonValue;
}

export interface FoundDrift {
  clerkUserId: string;
  outcome: 'created' | 'updated' | 'restored';
  /** As `applySnapshots` would log them. */
  changedFields: string[];
  /** Since when the row has differed, at the latest: the creation of a user who has no row, else Clerk's last change. */
  sinceMs: number;
  /** One entry for each of `changedFields`; only when asked for. */
  values?: FieldValues[];
}

/**
 * Tells what `applySnapshots` would do with a page, and writes nothing.
 *
 * @param snapshots at most a page of Clerk's (500).
 * @returns those that would be written with content, in the order of their ids, and of how many `onlyVersions`, and what
 *   moves by itself, would be.
 * @throws POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 */
export async function findDrift(
  db: Database,
  snapshots: readonly UserSnapshot[],
  { values = false }: { values?: boolean } = {},
): Promise<{ drifts: FoundDrift[]; onlyVersions: number }> {
  if (snapshots.length === 0) return { drifts: [], onlyVersions: 0 };
  try {
    const rows = await query<Row>(db, statement(snapshots, values));
    const drifts = rows.flatMap(({ outcome, since, values, ...row }) =>
      outcome === 'unchanged'
        ? []
        : [{ ...row, outcome, sinceMs: since.getTime(), ...(values ? { values } : {}) }],
    );
    return { drifts, onlyVersions: rows.length - drifts.length };
  } catch (error) {
    throw await mappedFailure(
      db,
      mappedColumns(snapshots),
      postgresFailure(error, `Comparing ${snapshots.length} user(s).`),
    );
  }
}

interface Row {
  clerkUserId: string;
  outcome: FoundDrift['outcome'] | 'unchanged';
  changedFields: string[];
  since: Date;
  values: FieldValues[] | null;
}

function statement(snapshots: readonly UserSnapshot[], values: boolean): Prisma.Sql {
  const mapped = mappedColumns(snapshots);
  return Prisma.sql`
WITH ${incomingSnapshots(snapshots)}, ${STORED_USERS}, found AS (
  SELECT incoming.*,
    CASE
      WHEN stored.clerk_id IS NULL THEN 'created'
      WHEN stored.deleted_at IS NOT NULL THEN 'restored'
      WHEN stored.content_hash <> incoming.content_hash THEN 'updated'
      ELSE 'unchanged' END AS _outcome
  FROM incoming LEFT JOIN stored USING (clerk_id)
  WHERE stored.clerk_id IS NULL OR ${snapshotApplies('before')}
), compared AS (
  SELECT incoming.clerk_id, incoming._outcome AS outcome,
    CASE WHEN users.clerk_id IS NULL OR users.content_hash = incoming.content_hash THEN '{}' ELSE ${changedFields('incoming', mapped)} END AS fields,
    CASE incoming._outcome WHEN 'created' THEN incoming.clerk_created_at ELSE incoming.clerk_updated_at END AS since
  FROM found AS incoming LEFT JOIN users USING (clerk_id)
)
SELECT clerk_id AS "clerkUserId", outcome, fields AS "changedFields", since,
  ${values ? valuesOf(mapped) : Prisma.sql`NULL`} AS values
FROM compared ORDER BY clerk_id`;
}

/** The names are qualified: a column of the application's may have any. */
const valuesOf = (mapped: readonly MappedColumn[]): Prisma.Sql => Prisma.sql`(
    SELECT coalesce(jsonb_agg(jsonb_build_object('field', changed.field, 'stored', ${valueOfField('users', mapped)}, 'incoming', ${valueOfField('incoming', mapped)}) ORDER BY changed.place), '[]')
    FROM unnest(fields) WITH ORDINALITY AS changed (field, place)
    JOIN incoming ON incoming.clerk_id = compared.clerk_id
    LEFT JOIN users ON users.clerk_id = compared.clerk_id
  )`;
