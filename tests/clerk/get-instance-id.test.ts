import { afterEach, expect, test } from '@jest/globals';
import { getInstanceId } from '../../src/clerk/get-instance-id.js';
import { type Answer, clerkErrors, type ScriptedClerk, startScriptedClerk } from './start-scripted-clerk.js';

let clerk: ScriptedClerk;
afterEach(() => clerk.stop());

async function ask(answer: Answer) {
  clerk = await startScriptedClerk(() => answer);
  return getInstanceId(clerk.api);
}

test('the instance of the key is named in one request', async () => {
  const body = { object: 'instance', id: 'ins_2abc', environment_type: 'development', allowed_origins: null };
  expect(await ask({ body })).toBe('ins_2abc');
  expect(clerk.requests.map((request) => request.url)).toEqual(['/v1/instance']);
});

test.each<[string, Answer]>([
  ['no id', { body: { object: 'instance' } }],
  ['an empty id', { body: { id: '' } }],
  ['an id that is no text', { body: { id: 7 } }],
  ['a bare id', { body: 'ins_2abc' }],
  ['null', { body: null }],
  ['a 404', { status: 404, body: clerkErrors('resource_not_found') }],
])('%s is CLERK_ANSWER_UNUSABLE', async (_, answer) => {
  await expect(ask(answer)).rejects.toMatchObject({ type: 'CLERK_ANSWER_UNUSABLE', nonRetryable: false });
});

test('a refused key is CLERK_KEY_REFUSED', async () => {
  const answer = { status: 401, body: clerkErrors('clerk_key_invalid') };
  await expect(ask(answer)).rejects.toMatchObject({ type: 'CLERK_KEY_REFUSED' });
});
