import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { findWindowBounds } from '../../src/db/find-window-bounds.js';
import { openUsersTable, type UsersTable } from './users-table.js';

let table: UsersTable;
beforeAll(async () => {
  table = await openUsersTable();
  await insert(Array.from({ length: 40 }, (_, n) => `2025-01-01 ${String(n % 24).padStart(2, '0')}:00`));
});
afterAll(() => table.close());

const insert = (times: string[]) => table.db.$executeRaw`
  INSERT INTO users (clerk_id, clerk_created_at, clerk_updated_at, observed_at, observed_via, content_hash, synced_at, synced_by, last_outcome)
  SELECT 'user_' || time || number, time::timestamptz, now(), now(), 'api', '', now(), 'reconcile', 'created'
  FROM unnest(${times}::text[]) WITH ORDINALITY AS list (time, number)`;

test('times that nobody can have signed up at, written by hand, bound no window', async () => {
  const bounds = await findWindowBounds(table.db, 4);
  expect(bounds).toHaveLength(3);
  await insert(['-infinity', '0044-03-15 BC', '1969-12-31', '280000-01-01', 'infinity']);
  await expect(findWindowBounds(table.db, 4)).resolves.toEqual(bounds);
});

test('one user, or none, needs no bound', async () => {
  await table.db.$executeRaw`DELETE FROM users WHERE clerk_created_at <> '2025-01-01'`;
  await expect(findWindowBounds(table.db, 4)).resolves.toEqual([]);
  await table.db.user.deleteMany();
  await expect(findWindowBounds(table.db, 4)).resolves.toEqual([]);
});
