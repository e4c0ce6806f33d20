import { type Database, query } from './database.js';
import { Prisma } from './generated/client.js';

/** Changes whose hooks have not been through: not yet called, being called, being tried again, or parked. */
export interface HooksBacklog {
  pending: number;
  /** When the oldest of them was written; null when there is none, or nobody can tell any more. */
  oldestAt: Date | null;
  /** Those whose hook failed at least once: one a user at most, for the user's later changes wait behind it. */
  failed: number;
  /** The first 5 of those, the oldest first. `revision` is what the signal `skip` asks for. */
  firstFailed: { clerkUserId: string; revision: number; failures: number }[];
}

/**
 * One row, and none where hooks are off. It passes once over `pending_hooks`, and looks up one entry of the log.
 *
 * Ids are in the order of the changes, but for those that are written in the same moment. If somebody removed the
 * oldest's entry from the log, the next one's time is told: it has waited for that long at least.
 */
export const HOOKS_BACKLOG = Prisma.sql`
  SELECT queue.pending, queue.failed,
    (SELECT changed_at FROM user_changes WHERE id >= queue.oldest ORDER BY id LIMIT 1) AS oldest_at
  FROM hooks_switch CROSS JOIN (
    SELECT count(*)::int AS pending, (count(*) FILTER (WHERE failures > 0))::int AS failed, min(change_id) AS oldest
    FROM pending_hooks
  ) AS queue`;

const SHOWN = 5;

/**
 * @returns how far the application's hooks are behind; null where hooks are off.
 * @remarks Whether a hook that failed is tried again or has given up is known to Temporal alone.
 */
export async function readHooksBacklog(db: Database): Promise<HooksBacklog | null> {
  const [[backlog], firstFailed] = await Promise.all([
    query<Omit<HooksBacklog, 'firstFailed'>>(
      db,
      Prisma.sql`SELECT pending, failed, oldest_at AS "oldestAt" FROM (${HOOKS_BACKLOG}) AS backlog`,
    ),
    query<HooksBacklog['firstFailed'][number]>(
      db,
      Prisma.sql`
        SELECT failed.clerk_id AS "clerkUserId", revision, failures
        FROM (
          SELECT clerk_id, change_id, failures FROM pending_hooks WHERE failures > 0 ORDER BY change_id LIMIT ${SHOWN}
        ) AS failed JOIN user_changes ON id = change_id
        ORDER BY change_id`,
    ),
  ]);
  return backlog === undefined ? null : { ...backlog, firstFailed };
}
