import type { Database } from './database.js';
import { Prisma } from './generated/client.js';
import { runStatement } from './run-statement.js';

export interface PruneStep {
  /** Entries older than so many days are removed; 1 or more, for the last day's deletions are counted. */
  retentionDays: number;
  /** The last entry that was looked at; null at the beginning. */
  after: ChangePlace | null;
  most: number;
}

/** Of an entry in the order of time. */
export interface ChangePlace {
  /** Unix milliseconds. */
  changedAtMs: number;
  /** 64 bits wide, so it is text. */
  id: string;
}

/**
 * Removes old entries of the log, and keeps two kinds of them, however old. A change whose hook has not been through; and
 * of each user the first entry that says `created` or `restored`, by which a later one is known not to be the first: an
 * application hears exactly one `created` of a user, and a phantom is known by it.
 *
 * @returns how many were removed, and where to go on; null once all were looked at.
 * @throws POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 */
export async function pruneUserChanges(
  db: Database,
  { retentionDays, after, most }: PruneStep,
): Promise<{ removed: number; after: ChangePlace | null }> {
  const { changedAtMs, id } = after ?? { changedAtMs: 0, id: '0' };
  const [row] = await runStatement<{ removed: number; seen: number; changedAt: Date; id: string }>(
    db,
    'Forgetting old changes.',
    Prisma.sql`
WITH old AS MATERIALIZED (
  SELECT id, clerk_id, kind, changed_at FROM user_changes
  WHERE changed_at < now() - make_interval(days => ${retentionDays}::int)
    AND (changed_at, id) > (${new Date(changedAtMs)}::timestamptz, ${id}::bigint)
  ORDER BY changed_at, id LIMIT ${most}
), removed AS (
  DELETE FROM user_changes USING old WHERE user_changes.id = old.id
    AND NOT EXISTS (SELECT FROM pending_hooks WHERE pending_hooks.clerk_id = old.clerk_id AND change_id = old.id)
    AND (old.kind NOT IN ('created', 'restored') OR EXISTS (
      SELECT FROM user_changes AS earlier
      WHERE earlier.clerk_id = old.clerk_id AND earlier.id < old.id AND earlier.kind IN ('created', 'restored')
    ))
  RETURNING user_changes.id
)
SELECT (SELECT count(*)::int FROM removed) AS removed, (SELECT count(*)::int FROM old) AS seen,
  changed_at AS "changedAt", id::text AS id
FROM old ORDER BY changed_at DESC, id DESC LIMIT 1`,
  );
  if (row === undefined) return { removed: 0, after: null };
  const last = { changedAtMs: row.changedAt.getTime(), id: row.id };
  return { removed: row.removed, after: row.seen < most ? null : last };
}
