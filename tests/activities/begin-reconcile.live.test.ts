import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import { beginReconcile } from '../../src/activities/begin-reconcile.js';
import type { ActivityDependencies } from '../../src/activities/dependencies.js';
import { createClerkApi } from '../../src/clerk/clerk-api.js';
import { type StandIn, startStandIn } from '../../src/clerk-stand-in/start-stand-in.js';
import { connectDatabase } from '../../src/db/database.js';
import { activityDependencies } from '../support/activity-dependencies.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

let database: TestDatabase;
let standIn: StandIn;
let deps: ActivityDependencies;
const activity = new MockActivityEnvironment();
beforeAll(async () => {
  database = await createTestDatabase();
  standIn = await startStandIn({ seedUsers: 3, rateLimit: null });
  deps = activityDependencies({
    db: connectDatabase({ url: database.url, poolSize: 2 }),
    clerk: createClerkApi({ secretKey: standIn.secretKey, apiUrl: standIn.url }),
  });
});
afterAll(async () => {
  await deps?.db.$disconnect();
  await standIn?.stop();
  await database?.drop();
});

const BEGINNING = { id: 'run', startedAtMs: Date.now(), plan: false, sweep: true };

test('for a run of before, which would not count what its first pages brought, they are not read', async () => {
  const begun = await activity.run(() => beginReconcile(deps, BEGINNING));
  expect(begun).not.toHaveProperty('compared');
  await expect(deps.db.user.count()).resolves.toBe(0);
  await expect(deps.db.reconcileRun.findMany()).resolves.toMatchObject([{ status: 'running' }]);
});

test('for a run that takes them along, they are', async () => {
  const begun = await activity.run(() => beginReconcile(deps, { ...BEGINNING, takesPages: true }));
  expect(begun).toMatchObject({ compared: { totals: { created: 3 }, next: null, hasCandidates: false } });
});

test('it makes no more requests than one task may, the one that counts among them', async () => {
  const before = standIn.stats.total;
  const reconcile = { ...deps.reconcile, pageSize: 1, pagesPerTask: 3 };
  const begun = await activity.run(() =>
    beginReconcile({ ...deps, reconcile }, { ...BEGINNING, takesPages: true }),
  );
  expect(begun).toMatchObject({ compared: { totals: { pages: 2 } } });
  const toKnowTheInstance = 1;
  expect(standIn.stats.total - before).toBe(3 + toKnowTheInstance);
});
