import { beforeAll, beforeEach, expect, test } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import type { ActivityDependencies } from '../../src/activities/dependencies.js';
import { eraseOverdue } from '../../src/activities/erase-overdue.js';
import { createClerkApi } from '../../src/clerk/clerk-api.js';
import { countTombstonesToErase } from '../../src/db/tombstones-to-erase.js';
import { activityDependencies } from '../support/activity-dependencies.js';
import { connectedDatabase } from '../support/connected-database.js';

/** More than two statements' worth. */
const TOMBSTONES = 1_200;
const REFUSED = ['user_0', 'user_700', 'user_1199'];

const own = connectedDatabase(2);
let deps: ActivityDependencies;

beforeAll(async () => {
  // Nobody is asked there.
  const clerk = createClerkApi({ secretKey: 'sk_test_none', apiUrl: 'http://127.0.0.1:9' });
  deps = {
    ...activityDependencies({ db: own.db, clerk }),
    deletion: { mode: 'hard', holdbackMs: 0 },
  };
  await own.db.$executeRaw`CREATE TABLE own_orders (
    user_id text COLLATE "C" CONSTRAINT own_user REFERENCES users (clerk_id)
  )`;
});

/** A table of so many deleted users, and one who is alive; orders of the application's hold three of them. */
beforeEach(async () => {
  await own.db.$executeRaw`TRUNCATE own_orders, users, user_tombstones, sync_failures`;
  await own.db.$executeRaw`
    INSERT INTO users (clerk_id, clerk_updated_at, observed_at, observed_via, content_hash, synced_at, synced_by, last_outcome, deleted_at)
    SELECT 'user_' || n, now(), now(), 'webhook', 'hash', now(), 'webhook', 'deleted', now()
    FROM generate_series(0, ${TOMBSTONES - 1}::int) AS n`;
  await own.db.$executeRaw`
    INSERT INTO users (clerk_id, clerk_updated_at, observed_at, observed_via, content_hash, synced_at, synced_by, last_outcome)
    VALUES ('user_alive', now(), now(), 'webhook', 'hash', now(), 'webhook', 'created')`;
});

const refuse = () =>
  own.db.$executeRaw`INSERT INTO own_orders SELECT * FROM unnest(${REFUSED}::text[]) AS user_id`;
const erase = () => new MockActivityEnvironment({ attempt: 1 }).run(eraseOverdue, deps);
const rows = async () => {
  const found = await own.db.user.findMany({
    where: { deletedAt: { not: null } },
    select: { clerkId: true },
  });
  return found.map(({ clerkId }) => clerkId).sort();
};
const count = () => countTombstonesToErase(own.db, deps.deletion);

test('all whose time has come are erased, however many there are', async () => {
  expect(await count()).toEqual({ toErase: TOMBSTONES, isDue: true });
  expect(await erase()).toEqual({ erased: TOMBSTONES, refused: 0, more: false });
  expect(await rows()).toEqual([]);
  expect(await own.db.userTombstone.count()).toBe(TOMBSTONES);
  expect(await own.db.user.count()).toBe(1);
  expect(await count()).toEqual({ toErase: 0, isDue: false });
  expect(await erase()).toEqual({ erased: 0, refused: 0, more: false });
});

test('rows that Postgres refuses cost no other, are named, and are left alone for an hour', async () => {
  await refuse();
  expect(await erase()).toEqual({ erased: TOMBSTONES - 3, refused: 3, more: false });
  expect(await rows()).toEqual(REFUSED.toSorted());
  const failures = await own.db.syncFailure.findMany({ orderBy: { clerkId: 'asc' } });
  expect(failures).toMatchObject(
    REFUSED.toSorted().map((clerkId) => ({
      clerkId,
      code: 'ROW_REJECTED',
      message: expect.stringContaining(`Erasing ${clerkId}. SQLSTATE 23503, constraint own_user`),
      resolvedAt: null,
    })),
  );
  expect(await count()).toEqual({ toErase: 0, isDue: false });
  expect(await erase()).toEqual({ erased: 0, refused: 0, more: false });
  expect(await own.db.syncFailure.findMany({ orderBy: { clerkId: 'asc' } })).toEqual(failures);
});

test('an hour later they are tried again, and what goes through has no failure any more', async () => {
  await refuse();
  await erase();
  await own.db.$executeRaw`UPDATE sync_failures SET last_failed_at = now() - interval '61 minutes'`;
  await own.db.$executeRaw`DELETE FROM own_orders WHERE user_id <> ${REFUSED[0]}`;
  expect(await count()).toEqual({ toErase: 0, isDue: true });
  expect(await erase()).toEqual({ erased: 2, refused: 1, more: false });
  const unresolved = await own.db.syncFailure.findMany({ where: { resolvedAt: null } });
  expect(unresolved).toMatchObject([{ clerkId: REFUSED[0], failures: 2 }]);
});

test('a cancelled task stops before the next statement', async () => {
  const environment = new MockActivityEnvironment({ attempt: 1 });
  environment.cancel();
  await expect(environment.run(eraseOverdue, deps)).rejects.toThrow();
  expect(await rows()).toHaveLength(TOMBSTONES);
});

test('in mode soft nothing is counted, and nothing erased', async () => {
  const soft: ActivityDependencies = { ...deps, deletion: { mode: 'soft', holdbackMs: 0 } };
  expect(await countTombstonesToErase(own.db, soft.deletion)).toBeNull();
  expect(await new MockActivityEnvironment({ attempt: 1 }).run(eraseOverdue, soft)).toMatchObject({
    erased: 0,
  });
});
