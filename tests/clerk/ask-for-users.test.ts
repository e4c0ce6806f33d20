import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { askForUsers } from '../../src/clerk/ask-for-users.js';
import { MOST_IDS } from '../../src/clerk/list-users.js';
import { ASKED_AT_ONCE } from '../../src/planned.js';
import { type Answer, clerkErrors, type ScriptedClerk, startScriptedClerk } from './start-scripted-clerk.js';

let clerk: ScriptedClerk;
afterEach(async () => {
  jest.restoreAllMocks();
  await clerk.stop();
});

const user = (id: string) => ({ object: 'user', id });

/** A Clerk that has these users, and lists those of them that a request names. */
async function clerkWith(...alive: string[]): Promise<void> {
  clerk = await startScriptedClerk((url) => ({
    body: url.searchParams
      .getAll('user_id')
      .filter((id) => alive.includes(id))
      .map(user),
  }));
}
async function clerkAnswering(answer: Answer): Promise<void> {
  clerk = await startScriptedClerk(() => answer);
}

const ask = (asked: string[], witnessIds = ['user_witness']) => askForUsers(clerk.api, asked, witnessIds);
const many = (count: number) => Array.from({ length: count }, (_, n) => `user_${n}`);
const idsAsked = () =>
  clerk.requests.map((request) => new URL(request.url ?? '', clerk.url).searchParams.getAll('user_id'));

test('a user whom Clerk lists is alive, one whom it does not is gone; one request tells', async () => {
  await clerkWith('user_witness', 'user_alive');
  expect(await ask(['user_gone', 'user_alive', 'user_left'])).toEqual({
    gone: ['user_gone', 'user_left'],
    alive: ['user_alive'],
    observedAtMs: expect.any(Number),
  });
  expect(idsAsked()).toEqual([['user_witness', 'user_gone', 'user_alive', 'user_left']]);
});

test('a user is gone as of the start of the request that did not show it', async () => {
  let nowMs = 1_750_000_000_000;
  jest.spyOn(Date, 'now').mockImplementation(() => nowMs);
  clerk = await startScriptedClerk(() => {
    nowMs += 5_000;
    const date = new Date(nowMs).toUTCString();
    return { headers: { date }, body: [user('user_witness')] };
  });
  expect(await ask(['user_gone'])).toMatchObject({ gone: ['user_gone'], observedAtMs: 1_750_000_000_000 });
});

test('of two witnesses both are needed, and they stand at the ends: an answer cut short lacks one', async () => {
  await clerkWith('user_second');
  expect(await ask(['user_alive'], ['user_first', 'user_second'])).toBeNull();
  expect(idsAsked()).toEqual([['user_first', 'user_alive', 'user_second']]);
});

test('as many as may be asked for fit into one request beside two witnesses', async () => {
  await clerkWith('user_a', 'user_b');
  const asked = many(ASKED_AT_ONCE);
  expect(await ask(asked, ['user_a', 'user_b'])).toMatchObject({ gone: asked, alive: [] });
  expect(idsAsked().map((ids) => ids.length)).toEqual([MOST_IDS]);
});

test('a witness who is asked for too is named once, and alive if shown', async () => {
  await clerkWith('user_witness');
  expect(await ask(['user_witness', 'user_gone'])).toMatchObject({
    gone: ['user_gone'],
    alive: ['user_witness'],
  });
  expect(idsAsked()).toEqual([['user_witness', 'user_gone']]);
});

test("an id that is none of Clerk's is not sent: with a sign before it Clerk would take it for an instruction", async () => {
  await clerkWith('user_witness');
  const asked = ['+user_gone', '-user_witness', 'admin', 'user_gone', 'user_a b'];
  expect(await ask(asked, ['user_witness', '-user_other'])).toMatchObject({ gone: ['user_gone'], alive: [] });
  expect(idsAsked()).toEqual([['user_witness', 'user_gone']]);
});

describe('an answer says nothing', () => {
  test.each<[string, string[]]>([
    ['when it is empty, as with the key of another instance', []],
    ['when candidates show but no witness does', ['user_alive']],
  ])('%s', async (_, alive) => {
    await clerkWith(...alive);
    expect(await ask(['user_gone', 'user_alive'], ['user_witness', 'user_other'])).toBeNull();
  });

  test('when no witness was named', async () => {
    await clerkWith('user_alive');
    expect(await ask(['user_gone', 'user_alive'], [])).toBeNull();
  });
});

describe('a failure, and nobody is gone,', () => {
  test.each([
    [401, 'CLERK_KEY_REFUSED'],
    [429, 'CLERK_RATE_LIMITED'],
    [503, 'CLERK_UNAVAILABLE'],
    [404, 'CLERK_REQUEST_REFUSED'],
    [422, 'CLERK_REQUEST_REFUSED'],
  ])('is an answer with %i', async (status, type) => {
    await clerkAnswering({ status, body: clerkErrors('some_code') });
    await expect(ask(['user_gone'])).rejects.toMatchObject({ type, nonRetryable: false });
  });

  test('is an answer that shows users who were not asked for: it has not looked at the ids', async () => {
    await clerkAnswering({ body: [user('user_witness'), user('user_other')] });
    await expect(ask(['user_gone'])).rejects.toMatchObject({
      type: 'CLERK_ANSWER_UNUSABLE',
      nonRetryable: false,
    });
  });
});
