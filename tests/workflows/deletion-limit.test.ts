import { expect, test } from '@jest/globals';
import { deletionLimit } from '../../src/workflows/deletion-limit.js';

const of = (liveRows: number, deletedLately = 0, withheldOver: number | null = null) =>
  deletionLimit({ liveRows, deletedLately, withheldOver }, 0.05);

test('the limit is the share of the rows, and ten where that is less', () => {
  expect(of(1_000)).toEqual({ limit: 50, left: 50 });
  expect(of(60)).toEqual({ limit: 10, left: 10 });
});

test('what was deleted in the last 24 hours is taken off, and does not lower the limit', () => {
  expect(of(970, 30)).toEqual({ limit: 50, left: 20 });
  expect(of(950, 50)).toEqual({ limit: 50, left: 0 });
  expect(of(55, 7)).toEqual({ limit: 10, left: 3 });
});

test('a table that was wiped in steps of 4 % loses no more than the limit', () => {
  let [live, deleted] = [10_000, 0];
  for (let sweep = 0; sweep < 100; sweep++) {
    const gone = Math.floor(live * 0.04);
    if (gone > of(live, deleted).left) continue;
    live -= gone;
    deleted += gone;
  }
  expect(deleted).toBe(400);
});

test('more than the limit deleted, as when a share was lowered, leaves none', () => {
  expect(of(1_000, 90)).toEqual({ limit: 54, left: 0 });
});

test('while deletions wait, no more may go than when they were withheld', () => {
  expect(of(1_000, 0, 12)).toEqual({ limit: 50, left: 12 });
  expect(of(1_000, 45, 12)).toEqual({ limit: 52, left: 7 });
});
