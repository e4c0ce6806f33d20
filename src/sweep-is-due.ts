/** What earlier reconciles counted; times are Unix milliseconds. */
export interface EarlierCounts {
  /** How many live rows more than users in Clerk there were at the end of the latest one; null if it did not count. */
  surplus: number | null;
  lastSweep: {
    startedAtMs: number;
    durationMs: number;
    /** The surplus that another sweep would leave too. Of rows that are missing, only those that were refused. */
    settledSurplus: number;
  } | null;
}

/** A sweep that the counts ask for may take at most a sixth of the time. */
const REST_PER_SWEEP = 5;

/**
 * Whether the counts ask for a sweep: the table has been too large or too small on two ticks in a row, otherwise than the
 * last sweep left it. What a sweep left, rows that Postgres refuses or deletions that wait, another one would leave too.
 */
export function sweepIsDue(
  earlier: EarlierCounts | null,
  { clerkUsers, liveRows }: { clerkUsers: number | null; liveRows: number },
  nowMs: number,
): boolean {
  if (earlier?.lastSweep == null) return true;
  if (clerkUsers === null) return false;
  const { lastSweep } = earlier;
  const surplus = liveRows - clerkUsers;
  const settled = lastSweep.settledSurplus;
  // An event on its way shows on one tick; what still differs on the next, and the same way, was lost.
  const since = Math.sign(surplus - settled);
  const before = Math.sign((earlier.surplus ?? settled) - settled);
  const restedMs = nowMs - (lastSweep.startedAtMs + lastSweep.durationMs);
  return (
    surplus !== 0 && since !== 0 && since === before && restedMs >= REST_PER_SWEEP * lastSweep.durationMs
  );
}
