import { type CreationRange, liveIn } from './creation-range.js';
import type { Database } from './database.js';
import { Prisma } from './generated/client.js';
import { jsonText } from './json-text.js';
import { runStatement } from './run-statement.js';

export interface RowsVersion {
  rows: number;
  /** Another one as soon as a live row of the range was added, removed or written, by whomever. */
  version: string;
}

/** A page as Clerk answered with it. */
export interface AnsweredPage {
  listedIds: readonly string[];
  observedAtMs: number;
}

/**
 * Postgres itself marks each row with the transaction that wrote it last (`xmin`), which costs less to read than the row.
 *
 * @param page by which the rows are to be judged, and cannot be if one of them is another user's, whose creation time was
 *   edited, or was observed later: then what does not differ now may differ by the page's next answer.
 * @returns which rows a range holds, as they stand; null if they cannot be judged by `page`, or while one of them is a
 *   candidate for deletion, for comparing in full settles that.
 * @throws POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 * @see https://www.postgresql.org/docs/current/ddl-system-columns.html
 */
export async function rowsVersion(
  db: Database,
  range: CreationRange,
  page?: AnsweredPage,
): Promise<RowsVersion | null> {
  const [row] = await runStatement<RowsVersion>(
    db,
    'Looking whether rows were written.',
    Prisma.sql`
      SELECT count(*)::int AS rows,
        coalesce(bit_xor(hashtextextended(clerk_id || ' ' || xmin::text, 0)), 0)::text AS version
      FROM users WHERE ${liveIn(range)}
      HAVING NOT EXISTS (
        SELECT FROM deletion_candidates JOIN users USING (clerk_id) WHERE ${liveIn(range)}
      ) ${page ? Prisma.sql`AND ${judgedBy(page)}` : Prisma.empty}`,
    { inOneRoundTrip: true },
  );
  return row ?? null;
}

const judgedBy = ({ listedIds, observedAtMs }: AnsweredPage): Prisma.Sql => Prisma.sql`count(*) FILTER (
        WHERE observed_at >= ${new Date(observedAtMs).toISOString()}::timestamptz
          OR clerk_id NOT IN (SELECT json_array_elements_text(${jsonText(listedIds)}::json))
      ) = 0`;
