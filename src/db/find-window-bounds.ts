import { type Database, query } from './database.js';
import { Prisma } from './generated/client.js';
import { postgresFailure } from './postgres-failure.js';

/**
 * @param windows into how many parts of about as many live users the creation times are to be split.
 * @returns the times between the parts in Unix milliseconds, ascending, each once: at most `windows` - 1.
 * @throws POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 */
export async function findWindowBounds(db: Database, windows: number): Promise<number[]> {
  const shares = Array.from({ length: windows - 1 }, (_, n) => (n + 1) / windows);
  try {
    const rows = await query<{ bound: Date }>(
      db,
      Prisma.sql`
      SELECT DISTINCT bound FROM (
        SELECT unnest(percentile_disc(${shares}::float8[]) WITHIN GROUP (ORDER BY clerk_created_at)) AS bound
        FROM users WHERE deleted_at IS NULL
      ) AS bounds WHERE bound IS NOT NULL ORDER BY bound`,
    );
    return rows.map((row) => row.bound.getTime());
  } catch (error) {
    throw postgresFailure(error, 'Splitting the users into windows.');
  }
}
