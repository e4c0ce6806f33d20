import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import { type AskedCandidates, type AskStep, askCandidates } from '../../src/activities/ask-candidates.js';
import { beginReconcile } from '../../src/activities/begin-reconcile.js';
import type { ActivityDependencies } from '../../src/activities/dependencies.js';
import { type ClerkApi, createClerkApi } from '../../src/clerk/clerk-api.js';
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
  expect(first).toEqual({ after: expect.any(String), size: 98, clerkRequests: 2, witnessed: true });
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

describe('where Clerk fails over some ids', () => {
  /** Refuses each question that names one of these, in a list and, with `alone`, by its own address. */
  const refusing = (bad: readonly string[], alone: 422 | 'answered'): ClerkApi => ({
    ...deps.clerk,
    async get(path, query, ...others) {
      const named = query?.getAll('user_id').some((id) => bad.includes(id));
      const asked = bad.some((id) => path === `/users/${id}`);
      if (named || (asked && alone === 422))
        return { status: 422, body: {}, digest: '', observedAtMs: Date.now() };
      return deps.clerk.get(path, query, ...others);
    },
  });
  /** Asks as often as the workflow does. @returns how many requests it took. */
  async function askAll(clerk: ClerkApi, pagesPerTask: number): Promise<AskedCandidates> {
    let clerkRequests = 0;
    for (let step: Pick<AskStep, 'after' | 'size'> = { after: null }; ; ) {
      const reconcile = { ...deps.reconcile, pagesPerTask };
      const asked: AskedCandidates = await activity.run(
        askCandidates,
        { ...deps, clerk, reconcile },
        {
          ...step,
          witnessIds,
        },
      );
      clerkRequests += asked.clerkRequests;
      if (asked.after === null) return { ...asked, clerkRequests };
      step = asked;
    }
  }
  const someIds = async (...places: number[]) => {
    const rows = await deps.db.deletionCandidate.findMany({ orderBy: { clerkId: 'asc' } });
    return places.map((place) => rows[place]?.clerkId ?? '');
  };

  test.each([[1], [4], [25]])(
    'the others are asked about, and those by their own address, with %i requests a task',
    async (pagesPerTask) => {
      const bad = await someIds(0, 57, GONE - 1);
      const { gone, clerkRequests } = await askAll(refusing(bad, 'answered'), pagesPerTask);
      expect(gone).toMatchObject({ gone: GONE, unasked: 0 });
      expect(clerkRequests).toBeLessThanOrEqual(3 + bad.length * 20);
    },
  );

  test('those about whom Clerk cannot be asked at all stay, and are counted', async () => {
    const bad = await someIds(0, 57, GONE - 1);
    const { gone, clerkRequests } = await askAll(refusing(bad, 422), 25);
    expect(gone).toMatchObject({ gone: GONE - bad.length, unasked: bad.length });
    expect(clerkRequests).toBeLessThanOrEqual(3 + bad.length * 20);
    const left = await deps.db.deletionCandidate.findMany({ where: { goneAt: null } });
    expect(left.map(({ clerkId }) => clerkId).toSorted()).toEqual(bad);
  });

  test('and over the witnesses alone as well, the question has failed, and is not asked in parts', async () => {
    const clerk = refusing([...(await someIds(0)), ...witnessIds], 'answered');
    const listed = () => standIn.stats.byRoute['GET /v1/users'] ?? 0;
    const before = listed();
    await expect(askAll(clerk, 25).catch(failureCode)).resolves.toBe('CLERK_REQUEST_REFUSED');
    // Both were answered here, in Clerk's place.
    expect(listed()).toBe(before);
    expect(await asked()).toBe(0);
  });
});
