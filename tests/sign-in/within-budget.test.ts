import { expect, test } from '@jest/globals';
import type { ClerkApi } from '../../src/clerk/clerk-api.js';
import { withinBudget } from '../../src/sign-in/within-budget.js';

function budgetOf(perSecond: number) {
  let nowMs = 0;
  let asked = 0;
  const clerk: ClerkApi = {
    allowedPerSecond: 100,
    get: async () => {
      asked += 1;
      return { status: 200, body: {}, digest: '', observedAtMs: 0 };
    },
  };
  const api = withinBudget(clerk, perSecond, () => nowMs);
  return {
    /** How many of so many requests, at that time, reach Clerk. */
    async ask(times: number, atMs: number): Promise<number> {
      nowMs = atMs;
      const before = asked;
      await Promise.allSettled(Array.from({ length: times }, () => api.get('/users/user_1')));
      return asked - before;
    },
    api,
  };
}

test('a second passes as many requests as the budget has, and what is not used is not saved up', async () => {
  const { ask } = budgetOf(8);
  expect(await ask(20, 0)).toBe(8);
  expect(await ask(20, 500)).toBe(4);
  expect(await ask(20, 60_000)).toBe(8);
});

test('a budget below one a second lets one pass, then rests', async () => {
  const { ask } = budgetOf(0.5);
  expect(await ask(3, 0)).toBe(1);
  expect(await ask(3, 1_999)).toBe(0);
  expect(await ask(3, 2_000)).toBe(1);
});

test('what is refused says when to come again', async () => {
  const { ask, api } = budgetOf(2);
  await ask(2, 0);
  await expect(api.get('/users/user_1')).rejects.toMatchObject({
    type: 'CLERK_RATE_LIMITED',
    nextRetryDelay: 500,
  });
});
