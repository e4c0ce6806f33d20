import { expect, test } from '@jest/globals';
import { isClerkUserId } from '../../src/clerk/is-clerk-user-id.js';
import { IS_ASKABLE } from '../../src/db/askable.js';
import { connectedDatabase } from '../support/connected-database.js';

const own = connectedDatabase(1);

test("Postgres tells Clerk's ids from others as isClerkUserId does", async () => {
  const ids = [
    'user_2abcDEF',
    'user__',
    `user_${'a'.repeat(250)}`,
    `user_${'a'.repeat(251)}`,
    'user_',
    '',
    'admin',
    'USER_2abc',
    '+user_2abc',
    '-user_2abc',
    ' user_2abc',
    'user_2abc ',
    'user_2abc\n',
    'user_2a\nuser_2b',
    'user_ä',
    'user_a-b',
    'user_a%b',
  ];
  const found = await own.db.$queryRaw<{ clerk_id: string; askable: boolean }[]>`
    SELECT clerk_id, ${IS_ASKABLE} AS askable FROM unnest(${ids}::text[]) AS clerk_id`;
  expect(found).toEqual(ids.map((id) => ({ clerk_id: id, askable: isClerkUserId(id) })));
});
