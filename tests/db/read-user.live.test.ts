import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readUser } from '../../src/db/read-user.js';
import { snapshotOf, T0 } from './snapshot-of.js';
import { openUsersTable, type UsersTable } from './users-table.js';

let table: UsersTable;
beforeAll(async () => {
  table = await openUsersTable();
});
afterAll(() => table.close());

test('the row that is read is the one that Prisma reads, column for column', async () => {
  const snapshot = snapshotOf('user_read', T0, {
    last_sign_in_at: T0 + 5,
    public_metadata: { plan: 'pro', seats: [1, null] },
    username: "o'hara",
  });
  await table.apply(snapshot);
  await table.apply(snapshotOf('user_read', T0 + 1, { public_metadata: { plan: 'free' }, username: null }));
  const row = await readUser(table.db, 'user_read');
  expect(row).toEqual(await table.row('user_read'));
  expect(row).toMatchObject({ clerkUpdatedAt: new Date(T0 + 1), lastChangedFields: expect.any(Array) });
});

test('nobody is read of a user who is unknown or deleted', async () => {
  await table.apply(snapshotOf('user_removed', T0));
  await table.remove('user_removed', T0 + 10);
  expect(await readUser(table.db, 'user_removed')).toBeNull();
  expect(await readUser(table.db, "user_' OR true")).toBeNull();
});

test('a database that is down is said to be, without the id', async () => {
  await table.database.goDown();
  try {
    await expect(readUser(table.db, 'user_read')).rejects.toMatchObject({
      type: 'POSTGRES_UNAVAILABLE',
      message: expect.not.stringContaining('user_read'),
    });
  } finally {
    await table.database.comeBack();
  }
});
