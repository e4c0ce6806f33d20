const SLOWED = 20;

/**
 * Slows `Date.now` of this process down while work goes on, so that the 2 s after which an activity hands on to the next
 * are enough on a busy machine. It begins with the time that it was.
 */
export async function withSlowClock<Result>(work: () => Promise<Result>): Promise<Result> {
  const { now } = Date;
  const startedMs = now.call(Date);
  Date.now = () => startedMs + Math.floor((now.call(Date) - startedMs) / SLOWED);
  try {
    return await work();
  } finally {
    Date.now = now;
  }
}
