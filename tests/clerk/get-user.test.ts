import { afterEach, expect, test } from '@jest/globals';
import { getUser } from '../../src/clerk/get-user.js';
import { type Answer, clerkErrors, type ScriptedClerk, startScriptedClerk } from './start-scripted-clerk.js';

let clerk: ScriptedClerk;
afterEach(() => clerk.stop());

async function ask(answer: Answer, clerkUserId = 'user_ada') {
  clerk = await startScriptedClerk(() => answer);
  return getUser(clerk.api, clerkUserId);
}

test('a user that Clerk has is returned as Clerk sent it', async () => {
  const user = { object: 'user', id: 'user_ada', birthday: '' };
  expect(await ask({ body: user })).toEqual({ user, observedAtMs: expect.any(Number) });
  expect(clerk.requests[0]?.url).toBe('/v1/users/user_ada');
});

test("Clerk's own 404 means that there is no such user", async () => {
  const answer = await ask({ status: 404, body: clerkErrors('resource_not_found') });
  expect(answer).toEqual({ user: null, observedAtMs: expect.any(Number) });
});

test.each<[string, Answer]>([
  ["a proxy's 404", { status: 404, body: '<html>' }],
  ['another user', { body: { object: 'user', id: 'user_bob' } }],
  ['a deletion notice without an id', { body: { object: 'user', deleted: true } }],
  ['a list', { body: [{ object: 'user', id: 'user_ada' }] }],
  ['null', { body: null }],
  ['a 422', { status: 422, body: clerkErrors('form_param_value_invalid') }],
])('%s is no word on the user: CLERK_ANSWER_UNUSABLE', async (_, answer) => {
  await expect(ask(answer)).rejects.toMatchObject({ type: 'CLERK_ANSWER_UNUSABLE', nonRetryable: false });
});

test.each([
  [401, 'CLERK_KEY_REFUSED'],
  [429, 'CLERK_RATE_LIMITED'],
  [500, 'CLERK_UNAVAILABLE'],
])('a %i never says that the user is gone', async (status, type) => {
  await expect(ask({ status })).rejects.toMatchObject({ type });
});

test('an id cannot reach another path', async () => {
  await expect(ask({ body: {} }, '../users?limit=1')).rejects.toThrow();
  expect(clerk.requests[0]?.url).toBe('/v1/users/..%2Fusers%3Flimit%3D1');
});
