import type { JsonValue, UserSnapshot } from '../user-change.js';
import { type Database, query } from './database.js';
import { snapshotApplies } from './freshness-rule.js';
import { Prisma } from './generated/client.js';
import { incomingSnapshots } from './incoming.js';
import { postgresFailure } from './postgres-failure.js';
import { STORED_USERS } from './stored-users.js';
import { changedFields, valueOfField } from './user-columns.js';

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
    throw postgresFailure(error, `Comparing ${snapshots.length} user(s).`);
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
  return Prisma.sql`
WITH ${incomingSnapshots(snapshots)}, ${STORED_USERS}, found AS (
  SELECT incoming.*,
    CASE
      WHEN stored.clerk_id IS NULL THEN 'created'
      WHEN stored.deleted_at IS NOT NULL THEN 'restored'
      WHEN stored.content_hash <> incoming.content_hash THEN 'updated'
      ELSE 'unchanged' END AS outcome
  FROM incoming LEFT JOIN stored USING (clerk_id)
  WHERE stored.clerk_id IS NULL OR ${snapshotApplies('before')}
), compared AS (
  SELECT incoming.clerk_id, incoming.outcome,
    CASE WHEN users.clerk_id IS NULL OR users.content_hash = incoming.content_hash THEN '{}' ELSE ${changedFields('incoming')} END AS fields,
    CASE incoming.outcome WHEN 'created' THEN incoming.clerk_created_at ELSE incoming.clerk_updated_at END AS since
  FROM found AS incoming LEFT JOIN users USING (clerk_id)
)
SELECT clerk_id AS "clerkUserId", outcome, fields AS "changedFields", since,
  ${values ? VALUES : Prisma.sql`NULL`} AS values
FROM compared ORDER BY clerk_id`;
}

const VALUES = Prisma.sql`(
    SELECT coalesce(jsonb_agg(jsonb_build_object('field', field, 'stored', ${valueOfField('users')}, 'incoming', ${valueOfField('incoming')}) ORDER BY place), '[]')
    FROM unnest(fields) WITH ORDINALITY AS changed (field, place)
    JOIN incoming ON incoming.clerk_id = compared.clerk_id
    LEFT JOIN users ON users.clerk_id = compared.clerk_id
  )`;
