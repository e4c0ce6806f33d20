import { expect, test } from '@jest/globals';
import type { Drift } from '../src/drift.js';
import { addPlanned, noPlanned } from '../src/planned.js';

const example = (n: number): Drift => ({
  clerkUserId: `user_${n}`,
  label: 'missed_update',
  fields: ['email'],
  sinceMs: n,
});
const many = <T>(count: number, of: (n: number) => T) => Array.from({ length: count }, (_, n) => of(n));

test('fields are counted up, over pages and windows', () => {
  const planned = noPlanned();
  addPlanned(planned, { fields: { email: 2, name: 1 }, examples: [], unlistedIds: [] });
  addPlanned(planned, { fields: { email: 3, banned: 1 }, examples: [], unlistedIds: [] });
  expect(planned.fields).toEqual({ email: 5, name: 1, banned: 1 });
});

test('the first hundred examples are kept', () => {
  const planned = noPlanned();
  for (let page = 0; page < 8; page++)
    addPlanned(planned, { fields: {}, examples: many(20, (n) => example(page * 20 + n)), unlistedIds: [] });
  expect(planned.examples).toEqual(many(100, example));
});

test('the first 980 unlisted ids are kept, and the others counted', () => {
  const planned = noPlanned();
  for (let page = 0; page < 11; page++)
    addPlanned(planned, { fields: {}, examples: [], unlistedIds: many(98, (n) => `user_${page * 98 + n}`) });
  expect(planned.unlistedIds).toEqual(many(980, (n) => `user_${n}`));
  expect(planned.unlisted).toBe(11 * 98);
});

test('a window that kept only the first of its unlisted ids counts with all of them', () => {
  const window = noPlanned();
  addPlanned(window, { fields: {}, examples: [], unlistedIds: many(1_000, (n) => `user_${n}`) });
  expect([window.unlisted, window.unlistedIds.length]).toEqual([1_000, 980]);
  const all = noPlanned();
  addPlanned(all, window);
  addPlanned(all, { fields: {}, examples: [], unlistedIds: ['user_other'] });
  expect([all.unlisted, all.unlistedIds.length]).toEqual([1_001, 980]);
});
