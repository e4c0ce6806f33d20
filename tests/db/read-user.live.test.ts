import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connectDatabase } from '../../src/db/database.js';
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
});

test.each(["user_' OR true OR '", "user_\\' OR true OR '", "user_'; DROP TABLE users; --", '$1', 'user_\\'])(
  'an id is an id, whatever it looks like: %s',
  async (id) => {
    await table.apply(snapshotOf('user_there', T0));
    expect(await readUser(table.db, id)).toBeNull();
    await table.apply(snapshotOf(id, T0));
    expect(await readUser(table.db, id)).toMatchObject({ clerkId: id });
  },
);

test('a read behind a locked table is ended by the server, and leaves no statement there', async () => {
  const impatient = connectDatabase({ url: table.database.url, poolSize: 2, statementTimeoutMs: 100 });
  try {
    await table.db.$transaction(async (locking) => {
      await locking.$executeRaw`LOCK TABLE users IN ACCESS EXCLUSIVE MODE`;
      await expect(readUser(impatient, 'user_read')).rejects.toThrow('SQLSTATE 57014');
      const left = await locking.$queryRaw`
        SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
      expect(left).toEqual([]);
    });
    expect(await readUser(impatient, 'user_read')).toMatchObject({ clerkId: 'user_read' });
  } finally {
    await impatient.$disconnect();
  }
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
