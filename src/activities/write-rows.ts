import { failureCode } from '../failures.js';
import type { ActivityDependencies } from './dependencies.js';
import { recordRefused } from './record-refused.js';

/**
 * Writes rows all at once and, if Postgres refuses one, in halves down to that one alone, so that one bad user costs
 * nobody else.
 *
 * @returns how many were refused; each of them has a row in `sync_failures`.
 * @throws what `write` throws, except ROW_REJECTED for a single row.
 */
export async function writeRows<Row extends { clerkUserId: string }>(
  deps: ActivityDependencies,
  rows: readonly Row[],
  write: (rows: readonly Row[]) => Promise<void>,
): Promise<number> {
  try {
    await write(rows);
    return 0;
  } catch (error) {
    if (failureCode(error) !== 'ROW_REJECTED') throw error;
    const [row] = rows;
    if (row === undefined) throw error;
    if (rows.length === 1) {
      await recordRefused(deps, row.clerkUserId, error);
      return 1;
    }
  }
  const half = Math.ceil(rows.length / 2);
  const refused = await writeRows(deps, rows.slice(0, half), write);
  return refused + (await writeRows(deps, rows.slice(half), write));
}
