import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { clerkTimeMs, eventTimeMs, problemWithTime } from '../../src/clerk/clerk-time.js';

test('times of data are milliseconds, in any year since 2000', () => {
  fc.assert(
    fc.property(fc.integer({ min: 946_684_800_000, max: 253_402_300_799_999 }), (ms) => {
      expect(clerkTimeMs(ms)).toBe(ms);
      expect(problemWithTime(ms)).toBeNull();
    }),
    { examples: [[946_684_800_000], [253_402_300_799_999]] },
  );
});

test('a time of data in seconds is none, and is called so', () => {
  fc.assert(
    fc.property(fc.integer({ min: 946_684_800, max: 4_000_000_000 }), (seconds) => {
      expect(clerkTimeMs(seconds)).toBeNull();
      expect(problemWithTime(seconds)).toBe('is in seconds, not milliseconds');
    }),
  );
});

test("an event's time in seconds is the same instant as in milliseconds", () => {
  fc.assert(
    fc.property(fc.integer({ min: 946_684_800, max: 4_000_000_000 }), (seconds) => {
      expect(eventTimeMs(seconds)).toBe(seconds * 1000);
      expect(eventTimeMs(seconds * 1000)).toBe(seconds * 1000);
    }),
  );
});

describe('no time', () => {
  test.each([
    ['nothing', undefined],
    ['null', null],
    ['text', '1750000000000'],
    ['a date', new Date(0)],
    ['a fraction', 1_750_000_000_000.5],
    ['a negative', -1],
    ['NaN', Number.NaN],
    ['infinity', Number.POSITIVE_INFINITY],
    ['after the year 9999', 253_402_300_800_000],
    ['microseconds', 1_750_000_000_000_000],
  ])('%s gives null', (_, value) => {
    expect(clerkTimeMs(value)).toBeNull();
    expect(eventTimeMs(value)).toBeNull();
    expect(problemWithTime(value)).toMatch(
      value === undefined || value === null ? /^is missing$/ : /^is no Unix time in milliseconds$/,
    );
  });

  test('a minute of 1970 gives null for an event, which is never older than Clerk', () => {
    expect(eventTimeMs(60_000)).toBeNull();
  });
});
