import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { query } from '../../src/db/database.js';
import { unlisted } from '../../src/db/find-unlisted-users.js';
import { Prisma } from '../../src/db/generated/client.js';
import { openUsersTable, type UsersTable } from './users-table.js';

const USERS = 20_000;
const T0 = Date.UTC(2025, 0, 1);
const MINUTE = 60_000;
const place = (number: number) => ({
  clerkUserId: `user_${String(number).padStart(8, '0')}`,
  clerkCreatedAtMs: T0 + number * MINUTE,
});

let table: UsersTable;
beforeAll(async () => {
  table = await openUsersTable();
  await table.db.$executeRaw`
    INSERT INTO users (clerk_id, clerk_created_at, clerk_updated_at, observed_at, observed_via, content_hash, synced_at, synced_by, last_outcome, raw)
    SELECT 'user_' || lpad(number::text, 8, '0'), ${new Date(T0)}::timestamptz + number * interval '1 minute', now(),
      now() - interval '1 day', 'api', md5(number::text), now(), 'reconcile', 'created',
      -- As wide as a real row, or reading the table would be as good.
      (SELECT jsonb_object_agg(key, md5(number || ' ' || key)) FROM generate_series(1, 40) AS key)
    FROM generate_series(1, ${USERS}::int) AS number`;
  await table.db.$executeRaw`ANALYZE users`;
});
afterAll(() => table.close());

test.each([
  ['the first', 0],
  ['a middle', USERS / 2],
  ['the last', USERS - 500],
])('%s page of a list is compared by the index, without reading the table', async (_which, first) => {
  const page = {
    range: { fromMs: null, toMs: null, after: place(first), upTo: place(first + 500) },
    listedIds: [place(first + 1).clerkUserId],
    observedBeforeMs: Date.now(),
  };
  const rows = await query<{ 'QUERY PLAN': string }>(
    table.db,
    Prisma.sql`EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) SELECT clerk_id FROM users WHERE ${unlisted(page)}`,
  );
  const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
  expect(plan).toContain('users_by_creation');
  expect(plan).not.toContain('Seq Scan');
  expect(plan).toContain('rows=499');
});
