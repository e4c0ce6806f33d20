/** How many users had been created before a time, Unix milliseconds. */
export interface Counted {
  beforeMs: number;
  users: number;
}

/** As even as windows need to be: they are read side by side, so only the largest counts. */
const TOLERATED_SHARE = 0.15;
/** Many users may share a time, as after an import; then no cut between them is any nearer. */
const MOST_ROUNDS = 12;

/**
 * Splits the creation times into windows of about as many users, by asking how many there are before a time.
 *
 * @param users how many there are in all, created from `firstMs` up to `lastMs`.
 * @param countBefore asks for several times at once.
 * @returns the times between the windows, ascending, each once: at most `windows` - 1.
 */
export async function splitCreationTimes(
  range: { firstMs: number; lastMs: number; users: number; windows: number },
  countBefore: (timesMs: number[]) => Promise<number[]>,
): Promise<number[]> {
  const { users, windows } = range;
  const tolerated = (users / windows) * TOLERATED_SHARE;
  const targets = Array.from({ length: windows - 1 }, (_, n) => ((n + 1) * users) / windows);
  let known: Counted[] = [
    { beforeMs: range.firstMs, users: 0 },
    { beforeMs: range.lastMs, users },
  ];
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const guesses = targets
      .filter((target) => Math.abs(nearest(known, target).users - target) > tolerated)
      .map((target) => guess(known, target, round))
      .filter((ms, at, all) => all.indexOf(ms) === at && !known.some(({ beforeMs }) => beforeMs === ms));
    if (guesses.length === 0) break;
    const counts = await countBefore(guesses);
    const counted = guesses.map((beforeMs, at) => ({ beforeMs, users: counts[at] ?? 0 }));
    known = [...known, ...counted].sort((a, b) => a.beforeMs - b.beforeMs);
  }
  const bounds = targets.map((target) => nearest(known, target).beforeMs);
  return [...new Set(bounds)].filter((ms) => ms > range.firstMs && ms < range.lastMs);
}

const nearest = (known: readonly Counted[], target: number): Counted =>
  known.reduce((best, one) => (Math.abs(one.users - target) < Math.abs(best.users - target) ? one : best));

/** Between the two known times around the target: in proportion, and in the middle every other time, for skewed growth. */
function guess(known: readonly Counted[], target: number, round: number): number {
  const above = known.find(({ users }) => users >= target) ?? known[known.length - 1];
  const below = known.findLast(({ users }) => users < target) ?? known[0];
  if (above === undefined || below === undefined) return 0;
  const share = round % 2 === 0 ? (target - below.users) / Math.max(1, above.users - below.users) : 0.5;
  return Math.round(below.beforeMs + share * (above.beforeMs - below.beforeMs));
}
