import { jest } from '@jest/globals';

const SLOWED = 20;

/**
 * Slows `Date.now` of this process down while work goes on, so that the 2 s after which an activity hands on to the next
 * are enough on a busy machine. It begins with the true time.
 */
export async function withSlowClock<Result>(work: () => Promise<Result>): Promise<Result> {
  const trueNow = Date.now.bind(Date);
  const startedMs = trueNow();
  const clock = jest.spyOn(Date, 'now');
  clock.mockImplementation(() => startedMs + Math.floor((trueNow() - startedMs) / SLOWED));
  try {
    return await work();
  } finally {
    clock.mockRestore();
  }
}
