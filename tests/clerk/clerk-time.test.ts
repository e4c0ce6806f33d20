import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { clerkTimeMs } from '../../src/clerk/clerk-time.js';

test('milliseconds since 2001 are taken as they are', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1_000_000_000_000, max: 253_402_300_799_999 }), (ms) => {
      expect(clerkTimeMs(ms)).toBe(ms);
    }),
    { examples: [[1_000_000_000_000], [253_402_300_799_999]] },
  );
});

test('seconds up to the year 9999 become milliseconds', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 253_402_300_799 }), (seconds) => {
      expect(clerkTimeMs(seconds)).toBe(seconds * 1000);
    }),
    { examples: [[0], [253_402_300_799]] },
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
  });
});
