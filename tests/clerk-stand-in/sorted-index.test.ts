import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { SortedIndex } from '../../src/clerk-stand-in/sorted-index.js';
import { EMPTY_METADATA, NO_RARE_PARTS, type UserRecord } from '../../src/clerk-stand-in/user-record.js';

const user = (id: string, createdAtMs: number): UserRecord => ({
  id,
  createdAtMs,
  updatedAtMs: createdAtMs,
  lastSignInAtMs: null,
  lastActiveDay: null,
  firstName: null,
  lastName: null,
  username: null,
  externalId: null,
  email: null,
  banned: false,
  publicMetadata: EMPTY_METADATA,
  rare: NO_RARE_PARTS,
});

const byTimeAndId = (a: UserRecord, b: UserRecord) => a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1);

function walked(index: SortedIndex, rank: number, descending: boolean): string[] {
  const ids: string[] = [];
  index.walk(rank, descending, (record) => ids.push(record.id) > 0);
  return ids;
}

function expectSame(index: SortedIndex, users: Set<UserRecord>): void {
  const sorted = [...users].sort(byTimeAndId).map(({ id }) => id);
  expect(index.size).toBe(sorted.length);
  expect(walked(index, 0, false)).toEqual(sorted);
  expect(walked(index, sorted.length - 1, true)).toEqual(sorted.toReversed());
}

test('insertions and removals in any order leave what sorting would', () => {
  const steps = fc.array(fc.tuple(fc.boolean(), fc.nat(40), fc.nat(1e6)), { maxLength: 300 });
  fc.assert(
    fc.property(steps, fc.nat(50), (sequence, loaded) => {
      const index = new SortedIndex((record) => record.createdAtMs);
      const users = new Set(Array.from({ length: loaded }, (_, at) => user(`user_l${at}`, at % 7)));
      index.load([...users]);
      sequence.forEach(([insert, timeMs, choice], at) => {
        if (insert || users.size === 0) {
          const added = user(`user_${at}`, timeMs);
          users.add(added);
          index.insert(added);
        } else {
          const gone = [...users][choice % users.size];
          if (!gone) return;
          users.delete(gone);
          index.remove(gone);
        }
      });
      expectSame(index, users);
    }),
    { numRuns: 40 },
  );
});

test('blocks that fill up and run empty keep the order', () => {
  const index = new SortedIndex((record) => record.createdAtMs);
  const users = new Set<UserRecord>();
  for (let at = 0; at < 6000; at++) {
    const added = user(`user_${at}`, (at * 7919) % 1000);
    users.add(added);
    index.insert(added);
  }
  expectSame(index, users);
  let at = 0;
  for (const gone of users) {
    if (at++ % 20 === 0) continue;
    users.delete(gone);
    index.remove(gone);
  }
  expectSame(index, users);
});

test('a rank counts the users that stand before a time and id', () => {
  const index = new SortedIndex((record) => record.createdAtMs);
  index.load([user('user_a', 1), user('user_b', 2), user('user_c', 2), user('user_d', 3)]);
  expect(index.rankOf(2, '')).toBe(1);
  expect(index.rankOf(2, 'user_c')).toBe(2);
  expect(index.rankOf(2, '~')).toBe(3);
  expect(index.rankOf(9, '')).toBe(4);
  expect(index.at(2)?.id).toBe('user_c');
  expect(index.at(4)).toBeUndefined();
});

test('a time that was changed in place is an error, not a silently broken order', () => {
  const index = new SortedIndex((record) => record.createdAtMs);
  const moved = user('user_a', 1);
  index.load([moved, user('user_b', 2)]);
  moved.createdAtMs = 5;
  expect(() => index.remove(moved)).toThrow('index has lost user_a');
});
