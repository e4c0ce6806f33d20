import type { MappedColumn } from '../user-change.js';
import { type Database, query } from './database.js';
import { Prisma } from './generated/client.js';
import { postgresFailure } from './postgres-failure.js';
import { type DeletionMode, type ErasurePolicy, isToErase, REFUSED_LATELY } from './tombstones-to-erase.js';
import { mappedFailure } from './unfit-columns.js';
import { quoted } from './user-columns.js';

export type { DeletionMode };

export interface Erasure extends ErasurePolicy {
  /** Columns of the application's that are filled from Clerk's data: to be emptied as well. */
  mapped?: readonly MappedColumn[];
  /** Whom to erase, if they are tombstones. Without it, anybody. */
  clerkUserIds?: readonly string[];
  /** Without ids: how many at most. Default 1000. */
  most?: number;
}

const MOST = 1_000;

/**
 * Erases tombstones, one statement for all. Columns of the application stay as they are, unless the row goes; those that
 * its mapping fills are emptied, or get their DEFAULT where they have one. Failures of the users are resolved by it.
 *
 * @returns how many were erased by this call; 0 in mode `soft`.
 * @throws ROW_REJECTED (not retried: a constraint or trigger of the application's forbids one of them, and none was
 *   erased), POSTGRES_UNAVAILABLE (somebody holds a row or the writers' lock) or SCHEMA_MISSING (retried).
 * @remarks Safe to repeat: what is erased is not found again. A user who was restored meanwhile is left alone. Without
 *   ids, rows that somebody holds, or that Postgres refused within the last hour, are left to a later call.
 */
export async function eraseDeletedUsers(db: Database, erasure: Erasure): Promise<number> {
  const { mode, clerkUserIds } = erasure;
  if (mode === 'soft' || clerkUserIds?.length === 0) return 0;
  // Mostly there is nobody, and then no writer has to wait for the lock.
  if (clerkUserIds === undefined && (await listTombstonesToErase(db, { ...erasure, most: 1 })).length === 0)
    return 0;
  return erase(db, erasure);
}

async function erase(db: Database, erasure: Erasure): Promise<number> {
  const { mode, mapped = [] } = erasure;
  const isHard = mode === 'hard';
  const statement = Prisma.sql`
WITH picked AS MATERIALIZED (${tombstones(erasure, true)}), ${isHard ? REMOVED : anonymised(mapped)}, ${CURED}
SELECT count(*)::int AS erased FROM erased`;
  try {
    // A row that stays needs no lock: it goes on refusing what comes late.
    const [row] = await query<{ erased: number }>(db, statement, isHard ? { erasureLock: 'exclusive' } : {});
    return row?.erased ?? 0;
  } catch (error) {
    const whom = erasure.clerkUserIds?.length === 1 ? erasure.clerkUserIds[0] : 'deleted users';
    throw await mappedFailure(db, mapped, postgresFailure(error, `Erasing ${whom}.`));
  }
}

/** @returns those whom {@link eraseDeletedUsers}, called with the same, would erase, whoever holds them. */
export async function listTombstonesToErase(
  db: Database,
  erasure: Erasure,
): Promise<{ clerkUserId: string }[]> {
  try {
    return await query(
      db,
      Prisma.sql`SELECT clerk_id AS "clerkUserId" FROM (${tombstones(erasure, false)}) AS found`,
    );
  } catch (error) {
    throw postgresFailure(error, 'Looking for deleted users.');
  }
}

/** With ids they are waited for, in the order in which every writer takes rows. */
function tombstones({ clerkUserIds, most = MOST, ...policy }: Erasure, locked: boolean): Prisma.Sql {
  const lock = locked ? Prisma.sql`FOR UPDATE` : Prisma.empty;
  return Prisma.sql`
  SELECT clerk_id FROM users
  WHERE ${isToErase(policy)}
    ${
      clerkUserIds === undefined
        ? Prisma.sql`AND NOT ${REFUSED_LATELY} LIMIT ${most} ${lock} ${locked ? Prisma.sql`SKIP LOCKED` : Prisma.empty}`
        : Prisma.sql`AND clerk_id = ANY (${clerkUserIds}::text[]) ORDER BY clerk_id ${lock}`
    }`;
}

const CURED = Prisma.sql`cured AS (
  UPDATE sync_failures SET resolved_at = now() FROM erased
  WHERE sync_failures.clerk_id = erased.clerk_id AND resolved_at IS NULL
)`;

/** DEFAULT is NULL where nothing else was declared, and spares a column that is NOT NULL. */
const anonymised = (mapped: readonly MappedColumn[]): Prisma.Sql => Prisma.sql`erased AS (
  UPDATE users SET email = NULL, email_withheld = NULL, email_verified = false, phone = NULL, username = NULL, first_name = NULL, last_name = NULL,
    name = NULL, avatar_url = NULL, external_id = NULL, public_metadata = '{}', raw = '{}', content_hash = '', last_sign_in_at = NULL${Prisma.raw(
      mapped.map((column) => `, ${quoted(column)} = DEFAULT`).join(''),
    )}
  FROM picked WHERE users.clerk_id = picked.clerk_id AND deleted_at IS NOT NULL
  RETURNING users.clerk_id
)`;

const REMOVED = Prisma.sql`removed AS (
  DELETE FROM users USING picked WHERE users.clerk_id = picked.clerk_id AND deleted_at IS NOT NULL
  RETURNING users.clerk_id, deleted_at, restored_at, revision
), erased AS (
  INSERT INTO user_tombstones (clerk_id, deleted_at, restored_at, revision, erased_at)
  SELECT clerk_id, deleted_at, restored_at, revision, now() FROM removed
  ON CONFLICT (clerk_id) DO UPDATE SET deleted_at = excluded.deleted_at, restored_at = excluded.restored_at,
    revision = greatest(user_tombstones.revision, excluded.revision), erased_at = excluded.erased_at
  RETURNING clerk_id
)`;
