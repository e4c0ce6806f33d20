import { describe, expect, test } from '@jest/globals';
import type { EarlierReconciles } from '../src/db/read-earlier-reconciles.js';
import { sweepIsDue } from '../src/sweep-is-due.js';

const NOW_MS = 1_750_000_000_000;

/** A sweep of 10 s that ended an hour ago, and the tick before this one. */
function earlier(surplus: number | null, settled: number, endedMsAgo = 3_600_000): EarlierReconciles {
  const durationMs = 10_000;
  return {
    startedAtMs: NOW_MS - 15_000,
    liveRows: 1_000,
    surplus,
    lastSweep: { startedAtMs: NOW_MS - endedMsAgo - durationMs, durationMs, settledSurplus: settled },
  };
}
const counts = (surplus: number) => ({ clerkUsers: 1_000, liveRows: 1_000 + surplus });

test('before the first sweep, one is due', () => {
  expect(sweepIsDue(null, counts(0), NOW_MS)).toBe(true);
  expect(sweepIsDue({ ...earlier(0, 0), lastSweep: null }, counts(0), NOW_MS)).toBe(true);
});

describe('rows more than users, after the last sweep, on the tick before, and now:', () => {
  test.each<[settled: number, before: number | null, now: number, due: boolean, why: string]>([
    [0, 0, 0, false, 'nothing differs'],
    [0, 0, 3, false, 'an event may be on its way'],
    [0, 3, 3, true, 'lost deletions'],
    [0, 3, 1, true, 'some came, some did not'],
    [0, -3, -3, true, 'lost creations, or rows that were removed'],
    [0, -1, 1, false, 'it went to and fro: traffic'],
    [0, 3, 0, false, 'they came'],
    [-2, -2, -2, false, 'two rows that Postgres refuses'],
    [-2, -2, -1, false, 'one of them was cured on this tick'],
    [-2, -4, -4, true, 'two refused, and two lost since'],
    [-2, 0, 0, false, 'the two were cured: the counts are equal'],
    [40, 40, 40, false, 'deletions that wait for an operator'],
    [40, 40, 41, false, 'one more, on its way'],
    [40, 41, 41, true, 'one more, lost'],
    [40, 0, 0, false, 'they were approved'],
    [40, 2, 2, true, 'they were approved, and two lost since'],
    [0, null, 3, false, 'the tick before did not count'],
  ])('%s, %s, %s: %s (%s)', (settled, before, now, due) => {
    expect(sweepIsDue(earlier(before, settled), counts(now), NOW_MS)).toBe(due);
  });
});

describe('after a sweep of ten seconds, one that the counts ask for', () => {
  test.each([
    [0, false],
    [49_999, false],
    [50_000, true],
  ])('comes %i ms after its end: %s', (endedMsAgo, due) => {
    expect(sweepIsDue(earlier(3, 0, endedMsAgo), counts(3), NOW_MS)).toBe(due);
  });
});
