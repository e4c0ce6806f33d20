import type { Database } from './database.js';
import { Prisma } from './generated/client.js';
import type { ChangeRef } from './pending-hooks.js';
import { runStatement } from './run-statement.js';

export interface OfferLimits {
  /** Users a call. */
  most: number;
  /** New ones wait while so many changes are offered and none of their users' hooks fails. */
  mostOpen: number;
  /** An offer that came to nothing in this time is made again; milliseconds. */
  againAfterMs: number;
}

/**
 * Whose workflows are to be asked to run hooks: users with a change that was not offered yet, the longest waiting first,
 * and those whose offer came to nothing, as it does when somebody ended the workflow.
 *
 * @returns one entry a user, with the latest of those changes.
 * @throws POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 */
export function findHooksToOffer(db: Database, limits: OfferLimits): Promise<ChangeRef[]> {
  const { most, mostOpen, againAfterMs } = limits;
  const longAgo = Prisma.sql`now() - make_interval(secs => ${againAfterMs / 1000}::float8)`;
  return runStatement(
    db,
    'Looking for hooks to run.',
    Prisma.sql`
WITH in_hand AS MATERIALIZED (
  SELECT count(*) AS changes FROM (
    SELECT FROM pending_hooks AS one WHERE offered_at >= ${longAgo} AND NOT EXISTS (
      SELECT FROM pending_hooks AS failed WHERE failed.clerk_id = one.clerk_id AND failed.failures > 0
    ) LIMIT ${mostOpen}
  ) AS counted
)
SELECT clerk_id AS "clerkUserId", max(change_id)::text AS "changeId" FROM (
  (SELECT clerk_id, change_id FROM pending_hooks
   WHERE offered_at IS NULL AND (SELECT changes FROM in_hand) < ${mostOpen} ORDER BY change_id LIMIT ${most})
  UNION ALL
  (SELECT clerk_id, change_id FROM pending_hooks WHERE offered_at < ${longAgo} ORDER BY offered_at LIMIT ${most})
) AS due GROUP BY clerk_id ORDER BY max(change_id)`,
  );
}

/**
 * Notes that users' workflows were asked. A change that came after the one named is not marked with it: the workflow may
 * have looked before.
 *
 * @throws POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 */
export async function markOffered(db: Database, offered: readonly ChangeRef[]): Promise<void> {
  if (offered.length === 0) return;
  const ids = offered.map(({ clerkUserId }) => clerkUserId);
  const changes = offered.map(({ changeId }) => changeId);
  await runStatement(
    db,
    'Marking hooks as offered.',
    Prisma.sql`UPDATE pending_hooks SET offered_at = now()
FROM unnest(${ids}::text[], ${changes}::bigint[]) AS offered (clerk_id, change_id)
WHERE pending_hooks.clerk_id = offered.clerk_id AND pending_hooks.change_id <= offered.change_id`,
  );
}
