import { jest } from '@jest/globals';

/** Everything of the timers but `Date` stays real. */
const REAL = [
  'hrtime',
  'nextTick',
  'performance',
  'queueMicrotask',
  'requestAnimationFrame',
  'cancelAnimationFrame',
  'requestIdleCallback',
  'cancelIdleCallback',
  'setImmediate',
  'clearImmediate',
  'setInterval',
  'clearInterval',
  'setTimeout',
  'clearTimeout',
] as const;

/** Does work in this process while its clock is off by so much, and stands still; servers have their own. */
export async function withClockAhead<T>(aheadMs: number, work: () => Promise<T>): Promise<T> {
  jest.useFakeTimers({ now: Date.now() + aheadMs, doNotFake: [...REAL] });
  try {
    return await work();
  } finally {
    jest.useRealTimers();
  }
}
