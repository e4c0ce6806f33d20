import type { GoneCount } from '../activities/ask-candidates.js';

/** Below this, a share of the table says nothing. */
const ALWAYS_DELETABLE = 10;

/**
 * What reconciles may delete without an operator. The limit is that of any 24 hours: one for each run would let a wrong
 * list empty the table in minutes, a small share at a time.
 *
 * @param found with `liveRows` as they are now. Its share is taken of the rows as if reconciles had deleted none of them
 *   in the last 24 hours, so that deleting does not lower the limit, and filling the table raises it at once.
 * @param share of the rows, 0 to 1; ten may always go.
 * @returns `limit` in 24 hours, and how many of that are `left` now. While deletions wait for an operator, no more are
 *   left than when those were withheld: otherwise they would be made a day later, unasked.
 */
export function deletionLimit(
  { liveRows, deletedLately, withheldOver }: DeletedSoFar,
  share: number,
): { limit: number; left: number } {
  const limit = Math.max(ALWAYS_DELETABLE, Math.floor((liveRows + deletedLately) * share));
  const left = Math.max(0, limit - deletedLately);
  return { limit, left: withheldOver === null ? left : Math.min(left, withheldOver) };
}

type DeletedSoFar = Pick<GoneCount, 'deletedLately' | 'withheldOver'> & { liveRows: number };
