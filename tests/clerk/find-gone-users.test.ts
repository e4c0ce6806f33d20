import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { findGoneUsers } from '../../src/clerk/find-gone-users.js';
import { MOST_IDS } from '../../src/clerk/list-users.js';
import { clerkErrors, type ScriptedClerk, startScriptedClerk } from './start-scripted-clerk.js';

let clerk: ScriptedClerk;
afterEach(async () => {
  jest.restoreAllMocks();
  await clerk.stop();
});

/** A Clerk that has these users, and lists those of them that a request names. */
async function clerkWith(...alive: string[]): Promise<ScriptedClerk> {
  clerk = await startScriptedClerk((url) => ({
    body: url.searchParams
      .getAll('user_id')
      .filter((id) => alive.includes(id))
      .map((id) => ({ object: 'user', id })),
  }));
  return clerk;
}

const goneOf = async (candidates: string[], witness = 'user_witness') =>
  (await findGoneUsers(clerk.api, candidates, witness)).gone.map((user) => user.clerkUserId);

const many = (count: number) => Array.from({ length: count }, (_, n) => `user_${n}`);
const idsAsked = () =>
  clerk.requests.map((request) => new URL(request.url ?? '', clerk.url).searchParams.getAll('user_id'));

test('a candidate that Clerk lists is alive, one that it does not is gone', async () => {
  await clerkWith('user_witness', 'user_alive');
  expect(await goneOf(['user_gone', 'user_alive', 'user_left'])).toEqual(['user_gone', 'user_left']);
});

test('a user is gone as of the start of the request that did not show it', async () => {
  let nowMs = 1_750_000_000_000;
  jest.spyOn(Date, 'now').mockImplementation(() => nowMs);
  clerk = await startScriptedClerk(() => {
    nowMs += 5_000;
    const date = new Date(nowMs).toUTCString();
    return { headers: { date }, body: [{ object: 'user', id: 'user_witness' }] };
  });
  expect(await findGoneUsers(clerk.api, ['user_gone'], 'user_witness')).toEqual({
    gone: [{ clerkUserId: 'user_gone', observedAtMs: 1_750_000_000_000 }],
    requests: 1,
  });
});

describe('nobody is gone', () => {
  test.each<[string, string[]]>([
    ['when the answer is empty, as with the key of another instance', []],
    ['when candidates show but the witness does not', ['user_alive']],
  ])('%s', async (_, alive) => {
    await clerkWith(...alive);
    expect(await goneOf(['user_gone', 'user_alive'])).toEqual([]);
  });

  test('when there are no candidates, and nothing is asked', async () => {
    await clerkWith('user_witness');
    expect(await findGoneUsers(clerk.api, [], 'user_witness')).toEqual({ gone: [], requests: 0 });
    expect(clerk.requests).toEqual([]);
  });

  test('when the only candidate is the witness', async () => {
    await clerkWith('user_witness');
    expect(await goneOf(['user_witness'])).toEqual([]);
  });

  test.each([
    [401, 'CLERK_KEY_REFUSED'],
    [429, 'CLERK_RATE_LIMITED'],
    [503, 'CLERK_UNAVAILABLE'],
    [404, 'CLERK_REQUEST_REFUSED'],
    [422, 'CLERK_REQUEST_REFUSED'],
  ])('when Clerk answers %i: that is a failure', async (status, type) => {
    clerk = await startScriptedClerk(() => ({ status, body: clerkErrors('some_code') }));
    await expect(goneOf(['user_gone'])).rejects.toMatchObject({ type });
  });
});

describe('more candidates than one request may name', () => {
  test('are asked for in several, each with the witness', async () => {
    await clerkWith('user_witness');
    const candidates = many(2 * (MOST_IDS - 1) + 1);
    const answer = await findGoneUsers(clerk.api, candidates, 'user_witness');
    expect(answer.requests).toBe(3);
    expect(answer.gone.map((user) => user.clerkUserId)).toEqual(candidates);
    expect(idsAsked().map((ids) => [ids.length, ids.at(-1)])).toEqual([
      [MOST_IDS, 'user_witness'],
      [MOST_IDS, 'user_witness'],
      [2, 'user_witness'],
    ]);
  });

  test('are judged request by request: one without the witness convicts nobody of its own', async () => {
    let nth = 0;
    clerk = await startScriptedClerk(() => {
      nth += 1;
      return { body: nth === 1 ? [] : [{ object: 'user', id: 'user_witness' }] };
    });
    const candidates = many(MOST_IDS);
    const answer = await findGoneUsers(clerk.api, candidates, 'user_witness');
    expect(answer.gone.map((user) => user.clerkUserId)).toEqual(candidates.slice(MOST_IDS - 1));
    expect(answer.requests).toBe(2);
  });
});
