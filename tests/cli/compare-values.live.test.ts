import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createClerkApi } from '../../src/clerk/clerk-api.js';
import { listUsers } from '../../src/clerk/list-users.js';
import { toUserSnapshot } from '../../src/clerk/to-user-snapshot.js';
import { type StandIn, startStandIn } from '../../src/clerk-stand-in/start-stand-in.js';
import { compareValues } from '../../src/cli/compare-values.js';
import { applySnapshots } from '../../src/db/apply-snapshots.js';
import { connectDatabase, type Database } from '../../src/db/database.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

let standIn: StandIn;
let database: TestDatabase;
let db: Database;
beforeAll(async () => {
  [standIn, database] = await Promise.all([startStandIn({ seedUsers: 120 }), createTestDatabase()]);
  db = connectDatabase({ url: database.url, poolSize: 1 });
});
afterAll(async () => {
  await db.$disconnect();
  await Promise.all([standIn.stop(), database.drop()]);
});

test('users are asked for 100 at a time; of those that differ it gives what is stored and what Clerk says', async () => {
  const clerk = createClerkApi({ secretKey: standIn.secretKey, apiUrl: standIn.url });
  const page = await listUsers(clerk, { by: 'update', offset: 0, limit: 500 });
  if (page === 'cursor-refused') throw new Error('no cursor was given');
  const observation = {
    observedAtMs: page.observedAtMs,
    observedVia: 'api',
    keepPrivateMetadata: false,
  } as const;
  await applySnapshots(
    db,
    page.users.map((user) => toUserSnapshot(user, observation)),
    'reconcile',
  );
  const ids = [...standIn.users.ids()];
  const changed = [ids[3] ?? '', ids[110] ?? ''];
  for (const id of changed) standIn.users.updateUser(id, { first_name: `New ${id}` });
  const { firstName } = await db.user.findUniqueOrThrow({ where: { clerkId: ids[3] ?? '' } });

  const found = await compareValues({ clerk, db, keepPrivateMetadata: false }, [...ids, 'user_unknown']);
  expect([...found.keys()].sort()).toEqual([...changed].sort());
  expect(found.get(ids[3] ?? '')).toContainEqual({
    field: 'firstName',
    stored: firstName,
    incoming: `New ${ids[3]}`,
  });
  expect(standIn.stats.byRoute['GET /v1/users']).toBe(3);
});
