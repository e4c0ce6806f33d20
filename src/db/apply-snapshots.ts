import type { Outcome, UserSnapshot, Writer } from '../user-change.js';
import { type Database, query, type Run } from './database.js';
import { snapshotApplies } from './freshness-rule.js';
import { Prisma } from './generated/client.js';
import { incomingSnapshots, writtenColumns } from './incoming.js';
import {
  type InstanceOfUsers,
  isInstanceFailure,
  ofTablesInstance,
  writeToOwnInstance,
} from './of-instance.js';
import { postgresFailure } from './postgres-failure.js';
import { settleTakenEmail } from './settle-taken-email.js';
import { STORED_USERS } from './stored-users.js';
import { mappedFailure } from './unfit-columns.js';
import { changedFields, mappedColumns } from './user-columns.js';

export interface AppliedUser {
  clerkUserId: string;
  outcome: Outcome;
  /** Columns by their Prisma names, other fields by Clerk's; empty unless `updated` or `restored`. */
  changedFields: string[];
}

/** Written by a rule of its own where the row is there already. */
const DECIDED = ['email', 'email_withheld', 'raw'];

/**
 * Writes each snapshot whose version is newer than the row's, all in one statement, and logs what changed in the same
 * one. Rows are taken in the order of their ids, so that two writers cannot block each other for good. What a reconcile
 * wrote is logged with what it says about how the row had differed, and ends the failure that its user may have had. An
 * address that another row has, and that an index of the application's makes unique, is settled as EMAIL_UNIQUENESS says
 * where one snapshot comes alone.
 *
 * @param snapshots at most a page of Clerk's (500); of two of one user, the newer is taken.
 * @param instanceId the Clerk instance whose users these are; null where nobody said. A table of another instance's is
 *   left as it is; one that is no instance's yet becomes theirs.
 * @returns one entry a user: `created`; `updated` (content changed); `unchanged` (equal content; at most the version and
 *   what moves by itself were written, and nothing was logged); `stale` (an older version, or a webhook's word about a
 *   deleted user); `restored` (a tombstone ended, be it a row or what was left of one that was erased).
 * @throws INSTANCE_MISMATCH (not retried) or INSTANCE_CHANGED: see {@link writeToOwnInstance}. ROW_REJECTED (not retried), POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 * @remarks Safe to repeat: the second time nothing is newer, so nothing is written.
 * @see https://www.postgresql.org/docs/current/sql-insert.html#SQL-ON-CONFLICT
 */
export async function applySnapshots(
  db: Database,
  snapshots: readonly UserSnapshot[],
  writer: Writer,
  instanceId: string | null = null,
): Promise<AppliedUser[]> {
  const [{ observedVia } = { observedVia: null }] = snapshots;
  if (observedVia === null) return [];
  const from = { instanceId, observedVia, writer };
  const write = () =>
    query<AppliedUser>(db, statement(snapshots, from), { erasureLock: 'shared' }).catch((error: unknown) =>
      unlessTaken(db, snapshots, from, error),
    );
  try {
    return await writeToOwnInstance(db, from, write);
  } catch (error) {
    if (isInstanceFailure(error)) throw error;
    throw await mappedFailure(
      db,
      mappedColumns(snapshots),
      postgresFailure(error, `Writing ${snapshots.length} user(s).`),
    );
  }
}

/** Whoever sends a page sends it again in parts, down to the one whose address is taken. */
async function unlessTaken(
  db: Database,
  snapshots: readonly UserSnapshot[],
  from: InstanceOfUsers,
  error: unknown,
): Promise<AppliedUser[]> {
  const [snapshot, ...others] = snapshots;
  if (snapshot === undefined || others.length > 0) throw error;
  const writeWithheld = (run: Run) => run<AppliedUser>(statement(snapshots, from, true));
  const settled = await settleTakenEmail(db, { snapshot, writer: from.writer, writeWithheld }, error);
  if (settled === null) throw error;
  return settled;
}

function statement(
  snapshots: readonly UserSnapshot[],
  { instanceId, writer }: InstanceOfUsers,
  withheld = false,
): Prisma.Sql {
  const mapped = mappedColumns(snapshots);
  const written = writtenColumns(snapshots);
  const overwritten = [
    ...written.filter((column) => !DECIDED.includes(column)),
    'synced_at',
    'synced_by',
  ].map((column) => `${column} = excluded.${column}`);
  return Prisma.sql`
WITH ${incomingSnapshots(snapshots, withheld, ofTablesInstance(instanceId))}, ${STORED_USERS}, applied AS (
  INSERT INTO users (clerk_id, ${Prisma.raw(written.join(', '))}, synced_at, synced_by, last_outcome, restored_at, revision)
  SELECT incoming.*, now(), ${writer},
    CASE WHEN stored.is_erased THEN 'restored' ELSE 'created' END,
    CASE WHEN stored.is_erased THEN incoming.observed_at END,
    CASE WHEN stored.is_erased THEN stored.revision + 1 ELSE 1 END
  FROM incoming LEFT JOIN stored USING (clerk_id)
  WHERE stored.clerk_id IS NULL OR ${snapshotApplies('before')}
  ORDER BY incoming.clerk_id
  ON CONFLICT (clerk_id) DO UPDATE SET
    ${Prisma.raw(overwritten.join(', '))},
    email = CASE WHEN users.email_withheld = excluded.email THEN NULL ELSE excluded.email END,
    email_withheld = CASE WHEN users.email_withheld = excluded.email THEN users.email_withheld ELSE excluded.email_withheld END,
    raw = CASE WHEN users.raw ? 'scim' AND NOT excluded.raw ? 'scim'
      THEN excluded.raw || jsonb_build_object('scim', users.raw -> 'scim') ELSE excluded.raw END,
    revision = users.revision + (users.deleted_at IS NOT NULL OR users.content_hash <> excluded.content_hash)::int,
    last_outcome = CASE
      WHEN users.deleted_at IS NOT NULL THEN 'restored'
      WHEN users.content_hash <> excluded.content_hash THEN 'updated'
      ELSE 'unchanged' END,
    last_changed_fields = CASE WHEN users.content_hash = excluded.content_hash THEN '{}' ELSE ${changedFields('excluded', mapped)} END,
    restored_at = CASE WHEN users.deleted_at IS NOT NULL THEN excluded.observed_at ELSE users.restored_at END,
    deleted_at = NULL
  WHERE ${snapshotApplies('onConflict')}
  RETURNING clerk_id, revision, last_outcome, last_changed_fields, clerk_created_at, clerk_updated_at, observed_at, email_withheld
), logged AS (
  INSERT INTO user_changes (clerk_id, revision, kind, writer, clerk_updated_at, observed_at, changed_fields, changed_at, drift, drift_since)
  SELECT clerk_id, revision, last_outcome, ${writer}, clerk_updated_at, observed_at, last_changed_fields, now(), ${driftOf(writer)}
  FROM applied WHERE last_outcome <> 'unchanged'
), ended AS (
  DELETE FROM user_tombstones USING stored JOIN applied USING (clerk_id)
  WHERE user_tombstones.clerk_id = stored.clerk_id AND stored.is_erased
)${curedBy(writer)}
SELECT incoming.clerk_id AS "clerkUserId",
  coalesce(applied.last_outcome, CASE WHEN stored.deleted_at IS NULL AND stored.content_hash = incoming.content_hash THEN 'unchanged' ELSE 'stale' END) AS outcome,
  coalesce(applied.last_changed_fields, '{}') AS "changedFields"
FROM incoming LEFT JOIN applied USING (clerk_id) LEFT JOIN stored USING (clerk_id)`;
}

/**
 * A parked workflow resolves its failure itself. Whoever waits for an address still does, and that is told by what is
 * written: the table, as this statement sees it, is that of before.
 */
const curedBy = (writer: Writer): Prisma.Sql =>
  writer === 'reconcile'
    ? Prisma.sql`, cured AS (
  UPDATE sync_failures SET resolved_at = now() FROM applied
  WHERE sync_failures.clerk_id = applied.clerk_id AND resolved_at IS NULL
    AND NOT (code = 'EMAIL_TAKEN' AND applied.email_withheld IS NOT NULL)
)`
    : Prisma.empty;

/** The label, and since when the row had differed. What other writers write is news, not drift. */
function driftOf(writer: Writer): Prisma.Sql {
  if (writer !== 'reconcile') return Prisma.sql`NULL, NULL`;
  return Prisma.sql`
    CASE last_outcome WHEN 'updated' THEN 'missed_update' ELSE 'missed_create' END,
    CASE last_outcome WHEN 'created' THEN clerk_created_at ELSE clerk_updated_at END`;
}
