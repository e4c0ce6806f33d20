import { afterEach, expect, jest, test } from '@jest/globals';
import type { getClient } from '@temporalio/activity';
import { createSearchAttributeCheck } from '../../src/activities/search-attributes.js';

afterEach(() => {
  jest.restoreAllMocks();
});

type Answer = { customAttributes?: Record<string, number> | null };

/** A check against a namespace that gives these answers in turn, the last one for ever. */
function start(...answers: (() => Promise<Answer>)[]) {
  const asked: unknown[] = [];
  const operatorService = {
    listSearchAttributes: (request: unknown) => {
      const answer = answers[Math.min(asked.length, answers.length - 1)];
      asked.push(request);
      if (!answer) throw new Error('no answer was given');
      return answer();
    },
  };
  const client = { connection: { operatorService }, options: { namespace: 'ours' } };
  const check = createSearchAttributeCheck();
  return { asked, check: () => check(client as unknown as ReturnType<typeof getClient>) };
}

const registered = async () => ({ customAttributes: { SyncStatus: 2 } });
const others = async () => ({ customAttributes: { CustomerTier: 2 } });
const forbidden = () => Promise.reject(new Error('7 PERMISSION_DENIED'));

test.each<[string, () => Promise<Answer>, boolean]>([
  ['has SyncStatus', registered, true],
  ['has others only', others, false],
  ['has none', async () => ({ customAttributes: null }), false],
  ['forbids the question', forbidden, false],
  ['does not answer', () => new Promise<Answer>(() => undefined), false],
])('a namespace that %s: %s', async (_, answer, expected) => {
  const { asked, check } = start(answer);
  expect(await check()).toBe(expected);
  expect(asked).toEqual([{ namespace: 'ours' }]);
});

test('an answer is asked for once, however many wait for it', async () => {
  const { asked, check } = start(registered);
  expect(await Promise.all([check(), check(), check()])).toEqual([true, true, true]);
  expect(await check()).toBe(true);
  expect(asked).toHaveLength(1);
});

test('after an error it is asked again 5 s later, not before', async () => {
  let nowMs = 1_750_000_000_000;
  jest.spyOn(Date, 'now').mockImplementation(() => nowMs);
  const { asked, check } = start(forbidden, registered);
  expect(await check()).toBe(false);
  nowMs += 4_999;
  expect(await check()).toBe(false);
  expect(asked).toHaveLength(1);
  nowMs += 1;
  expect(await check()).toBe(true);
  expect(asked).toHaveLength(2);
});
