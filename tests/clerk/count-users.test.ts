import { afterEach, expect, test } from '@jest/globals';
import { countUsers } from '../../src/clerk/count-users.js';
import { type Answer, clerkErrors, type ScriptedClerk, startScriptedClerk } from './start-scripted-clerk.js';

let clerk: ScriptedClerk;
afterEach(() => clerk.stop());

async function ask(answer: Answer) {
  clerk = await startScriptedClerk(() => answer);
  return countUsers(clerk.api);
}

test.each([0, 1, 1_000_000])('%i users are counted', async (total) => {
  expect(await ask({ body: { object: 'total_count', total_count: total } })).toBe(total);
  expect(clerk.requests[0]?.url).toBe('/v1/users/count');
});

test('users created before a time are counted alone', async () => {
  clerk = await startScriptedClerk(() => ({ body: { object: 'total_count', total_count: 3 } }));
  expect(await countUsers(clerk.api, undefined, 1_750_000_000_000)).toBe(3);
  expect(clerk.requests[0]?.url).toBe('/v1/users/count?created_at_before=1750000000000');
});

test.each<[string, Answer]>([
  ['no total_count', { body: { object: 'total_count' } }],
  ['a total_count in words', { body: { total_count: '5' } }],
  ['a total_count with a fraction', { body: { total_count: 5.5 } }],
  ['a bare number', { body: 5 }],
  ['null', { body: null }],
  ['a 404', { status: 404, body: clerkErrors('resource_not_found') }],
])('%s is CLERK_ANSWER_UNUSABLE, never 0', async (_, answer) => {
  await expect(ask(answer)).rejects.toMatchObject({ type: 'CLERK_ANSWER_UNUSABLE', nonRetryable: false });
});
