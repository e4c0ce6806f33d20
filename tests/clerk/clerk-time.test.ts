import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { clerkTimeMs, eventTimeMs } from '../../src/clerk/clerk-time.js';

test('times of data are milliseconds, in any year', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 253_402_300_799_999 }), (ms) => {
      expect(clerkTimeMs(ms)).toBe(ms);
    }),
    { examples: [[0], [946_684_800_000], [253_402_300_799_999]] },
  );
});

test("an event's time in seconds is the same instant as in milliseconds", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1_000_000_000, max: 4_000_000_000 }), (seconds) => {
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
  ])('%s gives null', (_, value) => {
    expect(clerkTimeMs(value)).toBeNull();
    expect(eventTimeMs(value)).toBeNull();
  });
});
