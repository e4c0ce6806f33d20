import { Prisma } from './generated/client.js';

/**
 * The CTE `stored`: what is known of the users of `incoming`, one row each, without what is large. A user whose row was
 * removed is known by its tombstone, with `is_erased`, so that one rule holds for both kinds.
 *
 * @remarks Rows are looked up by an array, and so through the index: joined, a table that has grown since it was analysed
 *   last, as in a first sweep, was read whole for each page, for the planner took it to be small.
 *
 *   A writer takes `query`'s `erasureLock`: otherwise a row could leave `users` after this was read.
 */
export const STORED_USERS = Prisma.sql`stored AS MATERIALIZED (
  SELECT clerk_id, clerk_updated_at, observed_at, content_hash, locked, last_sign_in_at, deleted_at, restored_at, revision, false AS is_erased
  FROM users WHERE clerk_id = ANY (ARRAY(SELECT clerk_id FROM incoming))
  UNION ALL
  SELECT clerk_id, deleted_at, deleted_at, '', false, NULL, deleted_at, restored_at, revision, true
  FROM user_tombstones AS tombstone WHERE clerk_id IN (SELECT clerk_id FROM incoming)
    AND NOT EXISTS (SELECT FROM users WHERE users.clerk_id = tombstone.clerk_id)
)`;
