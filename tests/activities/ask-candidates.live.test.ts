import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import { type AskedCandidates, type AskStep, askCandidates } from '../../src/activities/ask-candidates.js';
import { beginReconcile } from '../../src/activities/begin-reconcile.js';
import type { ActivityDependencies } from '../../src/activities/dependencies.js';
import { createClerkApi } from '../../src/clerk/clerk-api.js';
import { type StandIn, startStandIn } from '../../src/clerk-stand-in/start-stand-in.js';
import { connectDatabase } from '../../src/db/database.js';
import { failureCode } from '../../src/failures.js';
import { activityDependencies } from '../support/activity-dependencies.js';
import { failAfter } from '../support/fail-after.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

/** One request names 98 of them beside two witnesses. */
const GONE = 250;
const ASKING = '/v1/users?limit=100&user_id';
let database: TestDatabase;
let standIn: StandIn;
let deps: ActivityDependencies;
let witnessIds: string[];
const activity = new MockActivityEnvironment();

beforeAll(async () => {
  database = await createTestDatabase();
  standIn = await startStandIn({ seedUsers: GONE + 2, rateLimit: null });
  deps = activityDependencies({
    db: connectDatabase({ url: database.url, poolSize: 2 }),
    clerk: createClerkApi({ secretKey: standIn.secretKey, apiUrl: standIn.url }),
  });
  await activity.run(() =>
    beginReconcile(deps, { id: 'run', startedAtMs: Date.now(), plan: false, sweep: true }),
  );
  const [first = '', ...others] = standIn.users.list(`limit=500&order_by=created_at`).map(({ id }) => id);
  witnessIds = [first, others.pop() ?? ''];
  for (const id of others) standIn.users.deleteUser(id);
});
beforeEach(async () => {
  await deps.db.$executeRaw`DELETE FROM deletion_candidates`;
  await deps.db.$executeRaw`
    INSERT INTO deletion_candidates (clerk_id, run_id, found_at)
    SELECT clerk_id, 'run', now() FROM users WHERE clerk_id <> ALL (${witnessIds}::text[])`;
});
afterEach(() => {
  standIn.settings.failures = [];
});
afterAll(async () => {
  await deps?.db.$disconnect();
  await standIn?.stop();
  await database?.drop();
});

const ask = (step: Partial<AskStep>, pagesPerTask: number): Promise<AskedCandidates> =>
  activity.run(() =>
    askCandidates(
      { ...deps, reconcile: { ...deps.reconcile, pagesPerTask } },
      { after: null, witnessIds, ...step },
    ),
  );
const asked = () => deps.db.deletionCandidate.count({ where: { goneAt: { not: null } } });

test('a task asks as often as the rate allows, and the next one goes on behind', async () => {
  const first = await ask({}, 2);
  expect(first).toEqual({ after: expect.any(String), clerkRequests: 2, witnessed: true });
  expect(await asked()).toBe(2 * 98);
  const second = await ask({ after: first.after }, 2);
  expect(second).toMatchObject({ after: null, clerkRequests: 1, witnessed: true, gone: { gone: GONE } });
});

test('a task that fails is tried again for those who were not asked about', async () => {
  failAfter(standIn, 1, { kind: 'status', status: 500, pathPrefix: ASKING });
  const failing = activity.run(() => askCandidates(deps, { after: null, witnessIds }).catch(failureCode));
  await expect(failing).resolves.toBe('CLERK_UNAVAILABLE');
  expect(await asked()).toBe(98);
  standIn.settings.failures = [];
  await expect(ask({}, 25)).resolves.toMatchObject({ after: null, clerkRequests: 2, gone: { gone: GONE } });
});

test('an answer without a witness ends it, and what was asked before it counts', async () => {
  failAfter(standIn, 1, { kind: 'empty-list', pathPrefix: ASKING });
  await expect(ask({}, 25)).resolves.toMatchObject({ clerkRequests: 2, witnessed: false });
  expect(await asked()).toBe(98);
});
