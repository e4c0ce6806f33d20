import { afterEach, describe, expect, test } from '@jest/globals';
import {
  type EarlierPage,
  LARGEST_PAGE,
  listUsers,
  MOST_IDS,
  type UserSelection,
} from '../../src/clerk/list-users.js';
import { type Answer, clerkErrors, type ScriptedClerk, startScriptedClerk } from './start-scripted-clerk.js';

let clerk: ScriptedClerk;
afterEach(() => clerk.stop());

async function list(selection: UserSelection, answer: Answer) {
  clerk = await startScriptedClerk(() => answer);
  return listUsers(clerk.api, selection);
}

const users = (count: number) =>
  Array.from({ length: count }, (_, n) => ({ object: 'user', id: `user_${n}` }));
const everybody = { fromMs: null, toMs: null };
const fromTheStart = { by: 'creation', window: everybody, afterUserId: null, limit: 3 } as const;
const afterAda = { ...fromTheStart, afterUserId: 'user_ada' } as const;
/** Of the users created in [1000, 2000). */
const inWindow = { ...fromTheStart, window: { fromMs: 1_000, toMs: 2_000 } } as const;
const changed = { by: 'update', offset: 40, limit: 20 } as const;
const byId = { by: 'id', ids: ['user_0', 'user_1'] } as const;

describe('a page', () => {
  test('is returned in the order in which Clerk lists it, as Clerk sent it', async () => {
    const body = [{ object: 'user', id: 'user_b', odd: [1] }, ...users(2)];
    expect(await list(fromTheStart, { body })).toEqual({
      users: body,
      digest: expect.any(String),
      observedAtMs: expect.any(Number),
    });
  });

  test('is the earlier one if that holds and nothing is said otherwise than then', async () => {
    const asEarlier = await list(fromTheStart, { body: users(2) });
    if (asEarlier === 'cursor-refused') throw new Error('It was refused.');
    const { digest } = asEarlier;
    const again = (earlier: EarlierPage) => listUsers(clerk.api, fromTheStart, undefined, earlier);
    const holding: EarlierPage = { digest, holds: Promise.resolve(true) };
    expect(await again(holding)).toBe(holding);
    const page = { ...asEarlier, observedAtMs: expect.any(Number) };
    expect(await again({ digest, holds: Promise.resolve(false) })).toEqual(page);
    expect(await again({ digest: 'another', holds: Promise.resolve(true) })).toEqual(page);
  });

  test('may be empty', async () => {
    expect(await list(afterAda, { body: [] })).toMatchObject({ users: [] });
  });

  test.each<[string, UserSelection, string]>([
    ['the first page by creation', fromTheStart, 'order_by=%2Bcreated_at&limit=3'],
    ['the next by creation', afterAda, 'order_by=%2Bcreated_at&limit=3&starting_after=user_ada'],
    [
      'the first page of a window',
      inWindow,
      'order_by=%2Bcreated_at&limit=3&created_at_after=999&created_at_before=2000',
    ],
    [
      'the next page of a window',
      { ...inWindow, afterUserId: 'user_ada' },
      'order_by=%2Bcreated_at&limit=3&created_at_after=999&created_at_before=2000&starting_after=user_ada',
    ],
    [
      'a page of the first window',
      { ...inWindow, window: { fromMs: null, toMs: 2_000 } },
      'order_by=%2Bcreated_at&limit=3&created_at_before=2000',
    ],
    [
      'a page of the last window',
      { ...inWindow, window: { fromMs: 1_000, toMs: null } },
      'order_by=%2Bcreated_at&limit=3&created_at_after=999',
    ],
    ['the newest changes', changed, 'order_by=-updated_at&limit=20&offset=40'],
    ['users by id', byId, 'limit=100&user_id=user_0&user_id=user_1'],
  ])('%s is one request', async (_, selection, query) => {
    await list(selection, { body: [] });
    expect(clerk.requests.map((request) => request.url)).toEqual([`/v1/users?${query}`]);
  });

  test("its largest sizes are Clerk's: 500 users, 100 ids", () => {
    expect([LARGEST_PAGE, MOST_IDS]).toEqual([500, 100]);
  });
});

describe('a cursor that Clerk does not take', () => {
  test.each([404, 422])('with %i is told to the caller, who may take another', async (status) => {
    expect(await list(afterAda, { status, body: clerkErrors('some_code') })).toBe('cursor-refused');
  });

  test("is not what a proxy's 404 means", async () => {
    const page = list(afterAda, { status: 404, body: '<html>' });
    await expect(page).rejects.toMatchObject({ type: 'CLERK_ANSWER_UNUSABLE' });
  });

  test.each<[string, UserSelection]>([
    ['by creation from the start', fromTheStart],
    ["by creation from a window's start", inWindow],
    ['by update', changed],
    ['by id', byId],
  ])('is not what a refusal means where there is none: %s', async (_, selection) => {
    const page = list(selection, { status: 422, body: clerkErrors('form_param_value_invalid') });
    await expect(page).rejects.toMatchObject({ type: 'CLERK_REQUEST_REFUSED', nonRetryable: false });
  });
});

describe('CLERK_ANSWER_UNUSABLE', () => {
  test.each<[string, unknown]>([
    ['an envelope around the list', { data: users(1), total_count: 1 }],
    ['null', null],
    ['more users than asked for', users(4)],
    ['something that is no user', [...users(1), { object: 'organization', id: 'org_1' }]],
    ['a user without an id', [{ object: 'user' }]],
    ['a user whose id is no text', [{ object: 'user', id: 7 }]],
    ['a hole in the list', [...users(1), null]],
    ['an object that does not say that it is a user', [{ id: 'user_a' }]],
  ])('%s', async (_, body) => {
    const page = list(fromTheStart, { body });
    await expect(page).rejects.toMatchObject({ type: 'CLERK_ANSWER_UNUSABLE', nonRetryable: false });
  });

  test('as many users as asked for are not too many', async () => {
    expect(await list(fromTheStart, { body: users(3) })).toMatchObject({ users: users(3) });
  });
});
