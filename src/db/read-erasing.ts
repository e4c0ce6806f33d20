import { type Database, query } from './database.js';
import { Prisma } from './generated/client.js';

/** How far the erasing of deleted users is behind, as reconciles counted it. */
export interface Erasing {
  /** Tombstones due at the end of the last completed reconcile, without those that Postgres refused. */
  toErase: number;
  /** The same, of the last reconcile that was started an hour before that one or earlier; null where it did not count. */
  anHourBefore: number | null;
}

/**
 * @returns null where the last completed reconcile did not count, as with DELETION_MODE=soft.
 * @throws what `query` throws, for the caller to name.
 */
export async function readErasing(db: Database): Promise<Erasing | null> {
  const [found] = await query<Erasing>(
    db,
    Prisma.sql`
      SELECT to_erase AS "toErase", (
        SELECT to_erase FROM reconcile_runs AS before
        WHERE status = 'completed' AND before.started_at <= latest.started_at - interval '1 hour'
        ORDER BY started_at DESC LIMIT 1
      ) AS "anHourBefore"
      FROM (
        SELECT started_at, to_erase FROM reconcile_runs WHERE status = 'completed' ORDER BY started_at DESC LIMIT 1
      ) AS latest
      WHERE to_erase IS NOT NULL`,
  );
  return found ?? null;
}
