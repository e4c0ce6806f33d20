import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import fc from 'fast-check';
import { type AskedCandidates, askCandidates } from '../../src/activities/ask-candidates.js';
import type { SweepPlace } from '../../src/activities/compare-page.js';
import { type ComparedPages, comparePages } from '../../src/activities/compare-pages.js';
import type { ActivityDependencies } from '../../src/activities/dependencies.js';
import { type ClerkApi, createClerkApi } from '../../src/clerk/clerk-api.js';
import type { StandInSettings } from '../../src/clerk-stand-in/stand-in-settings.js';
import { type StandIn, startStandIn } from '../../src/clerk-stand-in/start-stand-in.js';
import { connectDatabase, type Database } from '../../src/db/database.js';
import { WINDOW_START } from '../../src/sweep-windows.js';
import { outermost } from '../../src/witnesses.js';
import { activityDependencies } from '../support/activity-dependencies.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

const USERS = 700;
/** Beyond what a list of that length needs: to find its end twice, and to go back for it. */
const MORE_REQUESTS = 3;
const activity = new MockActivityEnvironment();

let database: TestDatabase;
let db: Database;
/** In order of creation. */
let ids: string[];
let standIn: StandIn;

/** Clerk as it was when the table was filled. */
const startClerk = () => startStandIn({ seedUsers: USERS, rateLimit: null });
const depsFor = (pageSize: number): ActivityDependencies =>
  activityDependencies(
    { db, clerk: createClerkApi({ secretKey: standIn.secretKey, apiUrl: standIn.url }) },
    pageSize,
  );

beforeAll(async () => {
  database = await createTestDatabase();
  db = connectDatabase({ url: database.url, poolSize: 4 });
  standIn = await startClerk();
  ids = [1, 2].flatMap((page) =>
    standIn.users.list(`limit=500&offset=${(page - 1) * 500}&order_by=%2Bcreated_at`).map(({ id }) => id),
  );
  await walk(depsFor(500));
  await standIn.stop();
});
afterEach(async () => {
  await standIn.stop();
  await db.deletionCandidate.deleteMany();
});
afterAll(async () => {
  await db?.$disconnect();
  await database?.drop();
});

/** Reads all pages as a sweep's workflow does. @throws Error where that does not end. */
async function walk(deps: ActivityDependencies): Promise<string[]> {
  const witnessIds: string[] = [];
  let place: SweepPlace | null = WINDOW_START;
  for (let tasks = 0; place !== null; tasks++) {
    if (tasks > 2 * USERS) throw new Error(`It has not ended after ${tasks} tasks.`);
    const step = { window: { fromMs: null, toMs: null }, place, runId: 'sweep', plan: false };
    const pages: ComparedPages = await activity.run(comparePages, deps, step);
    witnessIds.push(...pages.witnessIds);
    place = pages.next;
  }
  return outermost(witnessIds);
}

/** Reads all pages of a list that leaves users out, though Clerk has them. */
async function walkWithout(hidden: readonly string[], pageSize: number): Promise<string[]> {
  const deps = depsFor(pageSize);
  const get: ClerkApi['get'] = async (path, query, signal) => {
    const answer = await deps.clerk.get(path, query, signal);
    const users = answer.body as { id: string }[];
    return query?.has('order_by')
      ? { ...answer, body: users.filter(({ id }) => !hidden.includes(id)) }
      : answer;
  };
  return walk({ ...deps, clerk: { ...deps.clerk, get } });
}

/** @returns how many rows Clerk, asked about all candidates by id, does not have. */
async function ask(deps: ActivityDependencies, witnessIds: string[]): Promise<number | undefined> {
  let asked: AskedCandidates;
  let after: string | null = null;
  do {
    asked = await activity.run(askCandidates, deps, { after, witnessIds });
    expect(asked.witnessed).toBe(true);
    after = asked.after;
  } while (after !== null);
  return asked.gone?.gone;
}

const pagesRead = () => standIn.stats.byRoute['GET /v1/users'] ?? 0;
const candidates = async () =>
  (await db.deletionCandidate.findMany()).map(({ clerkId }) => clerkId).toSorted();

/** Has Clerk lose users without a webhook, and sweeps. @returns how many pages were read beyond the list's own. */
async function sweepWithout(lost: readonly string[], pageSize: number): Promise<number> {
  for (const id of lost) standIn.users.deleteUser(id);
  const deps = depsFor(pageSize);
  const witnessIds = await walk(deps);
  const more = pagesRead() - Math.ceil((USERS - lost.length) / pageSize);
  expect(await candidates()).toEqual(lost.toSorted());
  expect(await ask(deps, witnessIds)).toBe(lost.length);
  expect(await db.deletionCandidate.count({ where: { goneAt: null } })).toBe(0);
  return more;
}

describe('a sweep ends, and everybody who is gone is a candidate, after Clerk has lost', () => {
  const places = {
    newest: (count: number) => ids.slice(USERS - count),
    'in the middle': (count: number) => ids.slice(50, 50 + count),
    oldest: (count: number) => ids.slice(0, count),
  };
  const cases = [100, 500].flatMap((pageSize) =>
    [99, 100, 101, 150, 600].flatMap((count) =>
      (Object.keys(places) as (keyof typeof places)[]).map((where) => ({ count, where, pageSize })),
    ),
  );
  const oneByOne = (Object.keys(places) as (keyof typeof places)[]).map((where) => ({
    count: 600,
    where,
    pageSize: 1,
  }));
  test.each([...cases, ...oneByOne])(
    '$count users, $where, with $pageSize a page',
    async ({ count, where, pageSize }) => {
      standIn = await startClerk();
      expect(await sweepWithout(places[where](count), pageSize)).toBeLessThanOrEqual(MORE_REQUESTS);
    },
  );

  const left = { oldest: 0, 'one in the middle': 350, newest: USERS - 1 };
  const allBut = [1, 100, 500].flatMap((pageSize) =>
    (Object.keys(left) as (keyof typeof left)[]).map((who) => ({ who, pageSize })),
  );
  test.each(allBut)('all but the $who, with $pageSize a page', async ({ who, pageSize }) => {
    standIn = await startClerk();
    const lost = ids.filter((_, at) => at !== left[who]);
    expect(await sweepWithout(lost, pageSize)).toBeLessThanOrEqual(MORE_REQUESTS);
  });

  test('any users, whatever Clerk says to a cursor that is gone', async () => {
    const run = fc.record({
      pageSize: fc.constantFrom(10, 47, 99, 100, 101, 250, 500),
      gaps: fc.array(fc.tuple(fc.nat(USERS - 1), fc.integer({ min: 1, max: 300 })), {
        minLength: 1,
        maxLength: 4,
      }),
      atEnd: fc.nat(300),
      deletedCursor: fc.constantFrom<StandInSettings['deletedCursor'][]>(
        'not_found',
        'unprocessable',
        'empty',
        'from_start',
        'continue',
      ),
    });
    await fc.assert(
      fc
        .asyncProperty(run, async ({ pageSize, gaps, atEnd, deletedCursor }) => {
          standIn = await startClerk();
          standIn.settings.deletedCursor = deletedCursor;
          const lost = ids.filter(
            (_, at) => at >= USERS - atEnd || gaps.some(([from, length]) => at >= from && at < from + length),
          );
          // Somebody has to vouch for the answers.
          fc.pre(lost.length < USERS);
          expect(await sweepWithout(lost, pageSize)).toBeLessThanOrEqual(MORE_REQUESTS);
        })
        .afterEach(async () => {
          await standIn.stop();
          await db.deletionCandidate.deleteMany();
        }),
      { numRuns: 15 },
    );
  });
});

describe('a list that is cut short whenever it is read', () => {
  test.each([10, 100, 500])(
    'ends the sweep, and nobody is gone: Clerk, asked by id, shows them (%i a page)',
    async (pageSize) => {
      standIn = await startClerk();
      const hidden = ids.slice(USERS - 150);
      const witnessIds = await walkWithout(hidden, pageSize);
      expect(await candidates()).toEqual(hidden.toSorted());
      expect(await ask(depsFor(pageSize), witnessIds)).toBe(0);
      expect(await candidates()).toEqual([]);
    },
  );
});

test('rows that Clerk, asked by id, did not have are expected in no list: the next sweep doubts nothing', async () => {
  standIn = await startClerk();
  expect(await sweepWithout(ids.slice(USERS - 150), 100)).toBeGreaterThan(0);
  const before = pagesRead();
  await walk(depsFor(100));
  expect(pagesRead() - before).toBe(Math.ceil((USERS - 150) / 100));
});
