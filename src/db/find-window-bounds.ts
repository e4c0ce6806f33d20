import type { Database } from './database.js';
import { Prisma } from './generated/client.js';
import { runStatement } from './run-statement.js';

/** A bound is moved into the window before it by at most so much of the shorter one of those that it parts. */
const MOVED_AT_MOST = 1 / 8;

/**
 * Bounds stand still while users come and go, so that a page keeps its place from sweep to sweep.
 *
 * @param windows into how many parts of about as many live users the creation times are to be split. Rows of times at which
 *   nobody can have signed up lie in the outermost ones, and bound none: not all of them are times to JavaScript.
 * @returns the times between the parts in Unix milliseconds, ascending, each once: at most `windows` - 1.
 * @throws POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 */
export async function findWindowBounds(db: Database, windows: number): Promise<number[]> {
  const shares = Array.from({ length: windows + 1 }, (_, n) => n / windows);
  const [row] = await runStatement<{ times: Date[] | null }>(
    db,
    'Splitting the users into windows.',
    Prisma.sql`
      SELECT percentile_disc(${shares}::float8[]) WITHIN GROUP (ORDER BY clerk_created_at) AS times
      FROM users WHERE deleted_at IS NULL AND clerk_created_at BETWEEN 'epoch' AND now()`,
  );
  return steadyBounds((row?.times ?? []).map((time) => time.getTime()));
}

/**
 * @param timesMs where the windows begin, and where the last one ends; ascending.
 * @returns the bounds between them, rounded down to a step that stays the same while the windows change a little.
 */
export function steadyBounds(timesMs: readonly number[]): number[] {
  const begins = [...new Set(timesMs.slice(0, -1))];
  const ends = [...begins.slice(1), timesMs.at(-1) ?? 0];
  return begins.slice(1).map((time, at) => {
    const shorterMs = Math.min(time - (begins[at] ?? 0), (ends[at + 1] ?? 0) - time);
    const stepMs = 2 ** Math.max(0, Math.floor(Math.log2(shorterMs * MOVED_AT_MOST)));
    return Math.floor(time / stepMs) * stepMs;
  });
}
