import { type CreationRange, liveIn } from './creation-range.js';
import type { Database } from './database.js';
import { Prisma } from './generated/client.js';
import { runStatement } from './run-statement.js';

export interface RowsVersion {
  rows: number;
  /** Another one as soon as a live row of the range was added, removed or written, by whomever. */
  version: string;
}

/**
 * Postgres itself marks each row with the transaction that wrote it last (`xmin`), which costs less to read than the row.
 *
 * @returns which rows a range holds, as they stand; null while one of them is a candidate for deletion, for comparing in
 *   full settles that.
 * @throws POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 * @see https://www.postgresql.org/docs/current/ddl-system-columns.html
 */
export async function rowsVersion(db: Database, range: CreationRange): Promise<RowsVersion | null> {
  const [row] = await runStatement<RowsVersion>(
    db,
    'Looking whether rows were written.',
    Prisma.sql`
      SELECT count(*)::int AS rows,
        coalesce(bit_xor(hashtextextended(clerk_id || ' ' || xmin::text, 0)), 0)::text AS version
      FROM users WHERE ${liveIn(range)}
      HAVING NOT EXISTS (
        SELECT FROM deletion_candidates JOIN users USING (clerk_id) WHERE ${liveIn(range)}
      )`,
    { inOneRoundTrip: true },
  );
  return row ?? null;
}
