import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { writeExact, writeWithoutNulls } from '../../src/clerk/canonical-json.js';
import { JsonBytes } from '../../src/clerk/json-bytes.js';
import type { JsonValue } from '../../src/user-change.js';

const bytes = new JsonBytes();

function rendered(write: (to: JsonBytes, value: JsonValue) => void, value: JsonValue): string {
  bytes.clear();
  write(bytes, value);
  return Buffer.from(bytes.written()).toString();
}
const exact = (value: JsonValue) => rendered(writeExact, value);
const withoutNulls = (value: JsonValue) => rendered(writeWithoutNulls, value);

/** What it is to be, told in strings. */
function asDefined(value: JsonValue, vanish: boolean): string {
  const isNothing = (member: JsonValue) =>
    vanish && (member === null || (Array.isArray(member) && member.length === 0));
  if (isNothing(value)) return '';
  if (Array.isArray(value)) {
    const members = value.map((member) => asDefined(member, vanish));
    return `[${(vanish ? members.sort() : members).join(',')}]`;
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.keys(value)
    .sort()
    .filter((key) => !isNothing(value[key] ?? null))
    .map((key) => `${JSON.stringify(key)}:${asDefined(value[key] ?? null, vanish)}`);
  return `{${members.join(',')}}`;
}

/** Control characters, characters beyond 16 bits and what needs escaping among them. */
const values = fc.jsonValue({ stringUnit: 'binary' }) as fc.Arbitrary<JsonValue>;

describe('any value', () => {
  test('is written exactly, but for the order of keys', () => {
    fc.assert(fc.property(values, (value) => expect(exact(value)).toBe(asDefined(value, false))));
  });

  test('is written without nulls and empty lists, and its lists as sets', () => {
    fc.assert(fc.property(values, (value) => expect(withoutNulls(value)).toBe(asDefined(value, true))));
  });

  test('of up to a hundred keys is written in their order', () => {
    const keys = fc.uniqueArray(fc.string(), { maxLength: 100 });
    fc.assert(
      fc.property(keys, (names) => {
        const value = Object.fromEntries(names.map((name, nth) => [name, nth]));
        expect(exact(value)).toBe(asDefined(value, false));
      }),
    );
  });
});

test.each(['x', 'é', '世', '"'])(
  'what is longer than anything before fits, whatever it is made of and wherever it ends: %s',
  (character) => {
    const lengths = Array.from({ length: 40 }, (_, nth) => 8_160 + nth).concat(20_000, 100_000);
    for (const length of lengths) {
      const fresh = new JsonBytes();
      const value = [character.repeat(length), { [character.repeat(length)]: 1 }, 'behind'];
      writeExact(fresh, value);
      expect(Buffer.from(fresh.written()).toString() === JSON.stringify(value)).toBe(true);
    }
  },
);

test('what a writing that failed has left is not part of the next', () => {
  let deep: JsonValue = 'deep';
  for (let depth = 0; depth < 100_000; depth++) deep = [deep];
  expect(() => exact(deep)).toThrow(RangeError);
  expect(exact({ b: 1, a: 2 })).toBe('{"a":2,"b":1}');
});
