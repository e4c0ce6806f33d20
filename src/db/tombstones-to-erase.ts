import type { Database } from './database.js';
import { Prisma } from './generated/client.js';
import { runStatement } from './run-statement.js';

/**
 * What becomes of a tombstone. `soft`: it stays as it is. `anonymise`: the row stays without anything personal. `hard`:
 * the row is removed, and `user_tombstones` keeps what refuses a late event.
 */
export type DeletionMode = 'soft' | 'anonymise' | 'hard';

export interface ErasurePolicy {
  mode: DeletionMode;
  /** How long after a row was marked as deleted it is left as it was; milliseconds. 0: not at all. */
  holdbackMs: number;
}

/** The condition on `users` that a row is a tombstone whose time has come. */
export const isToErase = ({
  mode,
  holdbackMs,
}: ErasurePolicy): Prisma.Sql => Prisma.sql`deleted_at IS NOT NULL
    ${mode === 'anonymise' ? Prisma.sql`AND content_hash > ''` : Prisma.empty}
    ${holdbackMs > 0 ? Prisma.sql`AND synced_at < now() - make_interval(secs => ${holdbackMs / 1000}::float8)` : Prisma.empty}`;

/** A row that Postgres refuses to change is tried again after this, so that it costs little. */
const AGAIN_AFTER = Prisma.sql`interval '1 hour'`;

/** The condition on `users` that Postgres refused the row a short while ago. */
export const REFUSED_LATELY = Prisma.sql`EXISTS (
  SELECT FROM sync_failures AS refused
  WHERE refused.clerk_id = users.clerk_id AND resolved_at IS NULL AND last_failed_at > now() - ${AGAIN_AFTER}
)`;

export interface TombstonesToErase {
  /** How many are due, without those that have an unresolved row in `sync_failures`. */
  toErase: number;
  /** Whether there is one to be tried now. */
  isDue: boolean;
}

/**
 * @returns null in mode `soft`, without asking Postgres.
 * @throws POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 */
export async function countTombstonesToErase(
  db: Database,
  policy: ErasurePolicy,
): Promise<TombstonesToErase | null> {
  if (policy.mode === 'soft') return null;
  const [row] = await runStatement<TombstonesToErase>(
    db,
    'Counting deleted users that are to be erased.',
    Prisma.sql`
      SELECT count(*) FILTER (WHERE failure.clerk_id IS NULL)::int AS "toErase",
        coalesce(bool_or(failure.clerk_id IS NULL OR last_failed_at <= now() - ${AGAIN_AFTER}), false) AS "isDue"
      FROM users LEFT JOIN sync_failures AS failure ON failure.clerk_id = users.clerk_id AND resolved_at IS NULL
      WHERE ${isToErase(policy)}`,
  );
  return row ?? { toErase: 0, isDue: false };
}
