import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import { applyUserChange } from '../../src/activities/apply-user-change.js';
import type { ActivityDependencies } from '../../src/activities/dependencies.js';
import { createClerkApi } from '../../src/clerk/clerk-api.js';
import { applyDeletions } from '../../src/db/apply-deletions.js';
import { connectDatabase } from '../../src/db/database.js';
import type { DeletionChange } from '../../src/user-change.js';
import { activityDependencies } from '../support/activity-dependencies.js';
import { snapshotChange } from '../support/clerk-user.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

const T0 = 1_750_000_000_000;

let database: TestDatabase;
let deps: ActivityDependencies;
const activity = new MockActivityEnvironment();

beforeAll(async () => {
  database = await createTestDatabase();
  deps = activityDependencies({
    db: connectDatabase({ url: database.url, poolSize: 2 }),
    clerk: createClerkApi({ secretKey: 'sk_test_never_asked', apiUrl: 'http://127.0.0.1:9' }),
  });
});
afterAll(async () => {
  await deps?.db.$disconnect();
  await database.drop();
});

let users = 0;
const newUserId = () => `user_change${++users}`;
const deletionOf = (clerkUserId: string): DeletionChange => ({
  kind: 'deletion',
  clerkUserId,
  writer: 'webhook',
  observedAtMs: T0 + 100,
  instanceId: null,
  svixId: `msg_${clerkUserId}`,
});
const remove = (id: string, deletion: ActivityDependencies['deletion']) =>
  activity.run(applyUserChange, { ...deps, deletion }, deletionOf(id));
const row = (clerkId: string) => deps.db.user.findUnique({ where: { clerkId } });

test.each([
  ['soft', 0, { firstName: 'Ada', deletedAt: new Date(T0 + 100) }],
  ['anonymise', 0, { firstName: null, email: null, deletedAt: new Date(T0 + 100) }],
  ['anonymise', 3_600_000, { firstName: 'Ada', deletedAt: new Date(T0 + 100) }],
  ['hard', 0, null],
  ['hard', 3_600_000, { firstName: 'Ada', deletedAt: new Date(T0 + 100) }],
] as const)(
  'a deletion in mode %s, held back %i ms, leaves the row as that says',
  async (mode, holdbackMs, left) => {
    const id = newUserId();
    await activity.run(applyUserChange, deps, snapshotChange(id, T0));
    expect(await remove(id, { mode, holdbackMs })).toEqual({ outcome: 'deleted' });
    if (left === null) expect(await row(id)).toBeNull();
    else expect(await row(id)).toMatchObject(left);
    expect(await activity.run(applyUserChange, deps, snapshotChange(id, T0 + 10 ** 9))).toEqual({
      outcome: 'stale',
    });
  },
);

test('an attempt that follows one which only marked the row erases it', async () => {
  const id = newUserId();
  await applyDeletions(deps.db, [{ clerkUserId: id, deletedAtMs: T0 + 100 }], {
    observedVia: 'webhook',
    writer: 'webhook',
    markUnknown: true,
  });
  expect(await remove(id, { mode: 'hard', holdbackMs: 0 })).toEqual({ outcome: 'unchanged' });
  expect(await row(id)).toBeNull();
});

test('a deletion that is stale erases nobody', async () => {
  const id = newUserId();
  await activity.run(applyUserChange, deps, snapshotChange(id, T0 + 200));
  expect(await remove(id, { mode: 'hard', holdbackMs: 0 })).toEqual({ outcome: 'stale' });
  expect(await row(id)).toMatchObject({ firstName: 'Ada', deletedAt: null });
});
