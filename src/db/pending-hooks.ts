import type { UserHookKind, Writer } from '../user-change.js';
import type { Database } from './database.js';
import { Prisma } from './generated/client.js';
import { runStatement } from './run-statement.js';

/** Names one change of one user. */
export interface ChangeRef {
  clerkUserId: string;
  /** The id in `user_changes`, as text: it is 64 bits wide. */
  changeId: string;
}

export interface PendingHook extends ChangeRef {
  revision: number;
  kind: UserHookKind;
}

export interface PendingHookEvent extends PendingHook {
  changedFields: string[];
  writer: Writer;
  clerkUpdatedAt: Date;
  changedAt: Date;
}

/**
 * What a change is to the application. The log alone would say `created` again after somebody removed the row, and never
 * for a user whose deletion came first and who was restored.
 */
const KIND = Prisma.sql`CASE
    WHEN change.kind NOT IN ('created', 'restored') THEN change.kind
    WHEN EXISTS (
      SELECT FROM user_changes AS earlier
      WHERE earlier.clerk_id = change.clerk_id AND earlier.id < change.id AND earlier.kind IN ('created', 'restored')
    ) THEN 'restored'
    ELSE 'created'
  END`;

/**
 * Changes that somebody removed from the log have nothing left to tell, and are forgotten: else they would be offered for
 * ever, and a thousand of them would keep everybody else's from being offered.
 *
 * @returns a user's changes whose hooks have not been through, the oldest first.
 * @remarks Of one user, ids are in the order of the commits: whoever writes the log holds the user's row until then.
 */
export function listPendingHooks(db: Database, clerkUserId: string, most: number): Promise<PendingHook[]> {
  return runStatement(
    db,
    'Listing pending hooks.',
    Prisma.sql`
WITH forgotten AS (
  DELETE FROM pending_hooks WHERE clerk_id = ${clerkUserId}
    AND NOT EXISTS (SELECT FROM user_changes WHERE user_changes.id = change_id)
)
SELECT clerk_id AS "clerkUserId", change_id::text AS "changeId", change.revision, ${KIND} AS kind
FROM pending_hooks JOIN user_changes AS change USING (clerk_id)
WHERE clerk_id = ${clerkUserId} AND change.id = change_id
ORDER BY change_id LIMIT ${most}`,
  );
}

/** @returns what the log has of a change; null when its hook has been through, or was left out. */
export async function readPendingHook(db: Database, ref: ChangeRef): Promise<PendingHookEvent | null> {
  const [found] = await runStatement<PendingHookEvent>(
    db,
    'Reading a pending hook.',
    Prisma.sql`
SELECT clerk_id AS "clerkUserId", change_id::text AS "changeId", change.revision, ${KIND} AS kind,
  change.changed_fields AS "changedFields", change.writer, change.clerk_updated_at AS "clerkUpdatedAt", change.changed_at AS "changedAt"
FROM pending_hooks JOIN user_changes AS change USING (clerk_id)
WHERE clerk_id = ${ref.clerkUserId} AND change_id = ${ref.changeId}::bigint AND change.id = change_id`,
  );
  return found ?? null;
}

/** Notes that a change's hook has been through, or is left out. Safe to repeat. */
export async function removePendingHook(db: Database, ref: ChangeRef): Promise<void> {
  await runStatement(
    db,
    'Removing a pending hook.',
    Prisma.sql`DELETE FROM pending_hooks WHERE clerk_id = ${ref.clerkUserId} AND change_id = ${ref.changeId}::bigint`,
  );
}

/** Notes that a hook failed once more. @param what without personal data. */
export async function noteHookFailure(db: Database, ref: ChangeRef, what: string): Promise<void> {
  await runStatement(
    db,
    "Noting a hook's failure.",
    Prisma.sql`UPDATE pending_hooks SET failures = failures + 1, failed_at = now(), failure = ${what}
WHERE clerk_id = ${ref.clerkUserId} AND change_id = ${ref.changeId}::bigint`,
  );
}
