import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { retryAfterMs } from '../../src/clerk/retry-after.js';

const NOW_MS = Date.UTC(2026, 7, 21, 12, 0, 0);
const FIVE_MINUTES_MS = 300_000;

test('seconds become milliseconds', () => {
  expect(retryAfterMs('7', NOW_MS)).toBe(7000);
  expect(retryAfterMs(' 7 ', NOW_MS)).toBe(7000);
});

test('an HTTP date becomes the time until then', () => {
  expect(retryAfterMs('Fri, 21 Aug 2026 12:00:30 GMT', NOW_MS)).toBe(30_000);
});

test.each([
  ['no header', null],
  ['an empty header', ''],
  ['a blank header', '  '],
  ['a word', 'soon'],
  ['two headers joined', '7, 7'],
  ['a word with a number', 'soon 5'],
  ['no time at all, which Temporal takes for at once', '0'],
  ['a date that is past', 'Fri, 21 Aug 2026 11:59:30 GMT'],
])('%s leaves the delay to the retry policy', (_, header) => {
  expect(retryAfterMs(header, NOW_MS)).toBeUndefined();
});

test.each([
  ['a day in seconds', '86400'],
  ['a far date', 'Fri, 21 Aug 2036 12:00:00 GMT'],
])('%s is cut to 5 minutes', (_, header) => {
  expect(retryAfterMs(header, NOW_MS)).toBe(FIVE_MINUTES_MS);
});

test('no header whatever makes a delay that is negative, over 5 minutes, or no number', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.double().map(String), fc.date().map(String)), (header) => {
      const delayMs = retryAfterMs(header, NOW_MS) ?? 0;
      expect(delayMs >= 0 && delayMs <= FIVE_MINUTES_MS).toBe(true);
    }),
  );
});
