import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { CancelledFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import {
  type ComparedPage,
  type CompareStep,
  readPage,
  type SweepPlace,
} from '../../src/activities/compare-page.js';
import { type ComparedPages, comparePages } from '../../src/activities/compare-pages.js';
import type { ActivityDependencies } from '../../src/activities/dependencies.js';
import { createClerkApi } from '../../src/clerk/clerk-api.js';
import { type StandIn, startStandIn } from '../../src/clerk-stand-in/start-stand-in.js';
import { connectDatabase } from '../../src/db/database.js';
import { failureCode } from '../../src/failures.js';
import { WINDOW_START } from '../../src/sweep-windows.js';
import { activityDependencies } from '../support/activity-dependencies.js';
import { failAfter } from '../support/fail-after.js';
import { withSlowClock } from '../support/slow-clock.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { waitUntil } from '../support/wait-until.js';

const USERS = 60;
const PAGE_SIZE = 10;
const PAGES = '/v1/users?order_by';
const BEGINNING: SweepPlace = WINDOW_START;

let database: TestDatabase;
let standIn: StandIn;
let deps: ActivityDependencies;
const activity = new MockActivityEnvironment();
const comparedPages = (place: SweepPlace): Promise<ComparedPages> =>
  withSlowClock(() => activity.run(() => comparePages(deps, stepAt(place))));
const comparedPage = (place: SweepPlace): Promise<ComparedPage> =>
  activity.run(async () => (await readPage(deps, stepAt(place))).compare());

beforeAll(async () => {
  database = await createTestDatabase();
  standIn = await startStandIn({ seedUsers: USERS, rateLimit: null });
  deps = activityDependencies(
    {
      db: connectDatabase({ url: database.url, poolSize: 2 }),
      clerk: createClerkApi({ secretKey: standIn.secretKey, apiUrl: standIn.url }),
    },
    PAGE_SIZE,
  );
});
afterAll(async () => {
  await deps?.db.$disconnect();
  await standIn?.stop();
  await database?.drop();
});
afterEach(() => {
  standIn.settings.failures = [];
});

const stepAt = (place: SweepPlace): CompareStep => ({
  window: { fromMs: null, toMs: null },
  place,
  runId: 'run',
  plan: false,
});
const inOrder = () => standIn.users.list(`limit=${USERS}&order_by=%2Bcreated_at`).map(({ id }) => id);

describe('a task of several pages', () => {
  const outage = (after: number) =>
    failAfter(standIn, after, { kind: 'status', status: 500, pathPrefix: PAGES });

  test('makes no more requests than it may', async () => {
    const modest = { ...deps, reconcile: { ...deps.reconcile, pagesPerTask: 4 } };
    const work = () => withSlowClock(() => activity.run(() => comparePages(modest, stepAt(BEGINNING))));
    // The first time it asks whose key it has, too.
    await work();
    const before = standIn.stats.total;
    await expect(work()).resolves.toMatchObject({ totals: { pages: 4, clerkRequests: 4 } });
    expect(standIn.stats.total - before).toBe(4);
    await deps.db.user.deleteMany();
  });

  test('keeps what it did before a page failed, and the next task goes on there', async () => {
    outage(3);
    const first = await comparedPages(BEGINNING);
    expect(first).toMatchObject({
      totals: { pages: 3, created: 3 * PAGE_SIZE },
      next: { after: { clerkUserId: inOrder()[3 * PAGE_SIZE - 1] } },
    });
    standIn.settings.failures = [];
    if (first.next === null) throw new Error('There is no next page.');
    await expect(comparedPages(first.next)).resolves.toMatchObject({
      totals: { created: USERS - 3 * PAGE_SIZE, unchanged: 0 },
      next: null,
    });
  });

  test('that fails over one page while the next ones are written goes on there, and does nothing twice', async () => {
    await deps.db.user.deleteMany();
    const before = standIn.stats.total;
    const [failing, slow] = [inOrder()[2 * PAGE_SIZE], inOrder()[3 * PAGE_SIZE]];
    await deps.db.$executeRawUnsafe(`
      CREATE FUNCTION break_off() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF NEW.clerk_id = '${failing}' THEN RAISE EXCEPTION USING ERRCODE = '57P01'; END IF;
        PERFORM pg_sleep(0.3);
        RETURN NEW;
      END $$`);
    await deps.db.$executeRawUnsafe(`
      CREATE TRIGGER break_off BEFORE INSERT ON users FOR EACH ROW
      WHEN (NEW.clerk_id IN ('${failing}', '${slow}')) EXECUTE FUNCTION break_off()`);
    const first = await comparedPages(BEGINNING);
    expect(first).toMatchObject({
      totals: { pages: 2, created: 2 * PAGE_SIZE },
      next: { after: { clerkUserId: inOrder()[2 * PAGE_SIZE - 1] } },
    });
    // The task has not ended before all that it had begun: the two pages behind.
    await expect(deps.db.user.count()).resolves.toBe(4 * PAGE_SIZE);
    await deps.db.$executeRawUnsafe('DROP FUNCTION break_off CASCADE');
    if (first.next === null) throw new Error('There is no next page.');
    const second = await comparedPages(first.next);
    expect(second).toMatchObject({
      totals: { created: USERS - 4 * PAGE_SIZE, unchanged: 2 * PAGE_SIZE },
      next: null,
    });
    expect(first.totals.clerkRequests + second.totals.clerkRequests).toBe(standIn.stats.total - before);
  });

  test('that is cancelled while it reads ahead ends at once, and asks for no further page', async () => {
    const { secretKey, url: apiUrl } = standIn;
    const patient = { ...deps, clerk: createClerkApi({ secretKey, apiUrl, timeoutMs: 600_000 }) };
    const cancelled = new MockActivityEnvironment();
    failAfter(standIn, 2, { kind: 'slow', latencyMs: 600_000, pathPrefix: PAGES });
    // A process that has just begun asks for its instance as well.
    const pages = () => standIn.stats.byRoute['GET /v1/users'] ?? 0;
    const before = pages();
    const comparing = withSlowClock(() => cancelled.run(() => comparePages(patient, stepAt(BEGINNING))));
    const failed = comparing.catch((error: unknown) => error);
    await waitUntil(() => pages() === before + 3);
    cancelled.cancel();
    // Clerk has not answered yet.
    expect(await failed).toBeInstanceOf(CancelledFailure);
    expect(pages()).toBe(before + 3);
  });

  test('whose first page fails has nothing to keep, and fails', async () => {
    outage(0);
    const failed = await comparedPages(BEGINNING).catch((error: unknown) => error);
    expect(failureCode(failed)).toBe('CLERK_UNAVAILABLE');
  });
});

test('a list that refuses every cursor is given up after some steps back, not walked for ever', async () => {
  standIn.failWith({
    kind: 'status',
    status: 422,
    pathPrefix: `${PAGES}=%2Bcreated_at&limit=${PAGE_SIZE}&starting_after`,
  });
  let place = BEGINNING;
  let steps = 0;
  const walk = async () => {
    for (; steps < 1000; steps++) {
      const { next } = await comparedPage(place);
      if (next === null) return;
      place = next;
    }
  };
  const failed = await walk().catch((error: unknown) => error);
  expect(failureCode(failed)).toBe('CLERK_ANSWER_UNUSABLE');
  expect(place.doubt?.stepsBack).toBe(8);
  // The first page, and again after each time that the walk went back to the beginning.
  expect(steps).toBeLessThanOrEqual(20);
});
