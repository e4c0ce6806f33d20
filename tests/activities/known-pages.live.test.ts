import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import { Client } from 'pg';
import type { SweepPlace } from '../../src/activities/compare-page.js';
import { type ComparedPages, comparePages } from '../../src/activities/compare-pages.js';
import type { ActivityDependencies } from '../../src/activities/dependencies.js';
import { createClerkApi } from '../../src/clerk/clerk-api.js';
import { type StandIn, startStandIn } from '../../src/clerk-stand-in/start-stand-in.js';
import { connectDatabase } from '../../src/db/database.js';
import { addTotals, noTotals } from '../../src/reconcile-totals.js';
import { WINDOW_START } from '../../src/sweep-windows.js';
import { outermost } from '../../src/witnesses.js';
import { activityDependencies } from '../support/activity-dependencies.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { waitUntil } from '../support/wait-until.js';

const USERS = 60;
const PAGE_SIZE = 10;
const NOTHING = { columns: [], values: [] };
const activity = new MockActivityEnvironment();

let database: TestDatabase;
let standIn: StandIn;
let deps: ActivityDependencies;
/** How many users were taken apart since the last sweep: those of known pages are not. */
let mapped = 0;

beforeAll(async () => {
  database = await createTestDatabase();
  standIn = await startStandIn({ seedUsers: USERS, rateLimit: null });
  const db = connectDatabase({ url: database.url, poolSize: 4 });
  const clerk = createClerkApi({ secretKey: standIn.secretKey, apiUrl: standIn.url });
  deps = {
    ...activityDependencies({ db, clerk }, PAGE_SIZE),
    mapping: {
      columns: [],
      valuesOf: () => {
        mapped += 1;
        return NOTHING;
      },
    },
  };
});
afterAll(async () => {
  await deps?.db.$disconnect();
  await standIn?.stop();
  await database?.drop();
});
beforeEach(async () => {
  for (let sweeps = 0; sweeps < 2; sweeps++) await sweep();
  await expect(sweep()).resolves.toMatchObject({ unchanged: USERS, compared: 0 });
});

async function sweep({ plan = false } = {}) {
  mapped = 0;
  let totals = noTotals();
  let witnessIds: string[] = [];
  // A task ends early on a busy machine.
  for (let place: SweepPlace | null = WINDOW_START; place !== null; ) {
    const step = { window: { fromMs: null, toMs: null }, place, runId: 'run', plan };
    const pages: ComparedPages = await activity.run(() => comparePages(deps, step));
    totals = addTotals(totals, pages.totals);
    witnessIds = outermost([...witnessIds, ...pages.witnessIds]);
    place = pages.next;
  }
  return { ...totals, witnessIds, compared: mapped };
}
const idAt = (place: number) =>
  standIn.users.list(`limit=${USERS}&order_by=%2Bcreated_at`)[place]?.id ?? 'nobody';
const listed = () => standIn.stats.byRoute['GET /v1/users'] ?? 0;
const rowOf = (clerkId: string) => deps.db.user.findUnique({ where: { clerkId } });
const createdAt = async (clerkId: string) => (await rowOf(clerkId))?.clerkCreatedAt ?? new Date(Number.NaN);
const insertRow = (clerkId: string, created: Date, observed: Date) => deps.db.$executeRaw`
  INSERT INTO users (clerk_id, clerk_created_at, clerk_updated_at, observed_at, observed_via, content_hash, synced_at, synced_by, last_outcome)
  VALUES (${clerkId}, ${created}, '2015-01-01', ${observed}, 'webhook', '', now(), 'webhook', 'created')`;
async function removeInserted(): Promise<void> {
  await deps.db.$executeRaw`DELETE FROM users WHERE clerk_updated_at < '2016-01-01'`;
  await deps.db.deletionCandidate.deleteMany();
}

test('a sweep of known pages reads every page, counts everybody and has its witnesses', async () => {
  const full = PAGE_SIZE * Math.ceil(USERS / PAGE_SIZE);
  const pages = USERS / PAGE_SIZE + 1;
  const before = listed();
  await expect(sweep()).resolves.toMatchObject({
    compared: 0,
    seen: full,
    unchanged: full,
    pages,
    clerkRequests: pages,
    witnessIds: [idAt(0), idAt(USERS - 1)],
  });
  expect(listed() - before).toBe(pages);
});

test("a user changed at Clerk is compared with the rest of that user's page, and no other page", async () => {
  standIn.users.updateUser(idAt(25), { first_name: 'Changed' });
  await expect(sweep()).resolves.toMatchObject({
    updated: 1,
    unchanged: USERS - 1,
    compared: PAGE_SIZE,
  });
  // Rows that were just written are compared once before they are known.
  await expect(sweep()).resolves.toMatchObject({ unchanged: USERS, compared: PAGE_SIZE });
  await expect(sweep()).resolves.toMatchObject({ compared: 0 });
});

describe('what somebody else did to the table is seen though Clerk answers as before', () => {
  test('a row that was edited', async () => {
    const clerkId = idAt(14);
    await deps.db.user.update({ where: { clerkId }, data: { firstName: 'Edited' } });
    await expect(sweep()).resolves.toMatchObject({ updated: 1, compared: PAGE_SIZE });
    expect((await rowOf(clerkId))?.firstName).not.toBe('Edited');
  });

  test('a row that was removed, the first and the last too', async () => {
    const ids = [idAt(0), idAt(33), idAt(USERS - 1)];
    await deps.db.user.deleteMany({ where: { clerkId: { in: ids } } });
    await expect(sweep()).resolves.toMatchObject({ created: 3, compared: 3 * PAGE_SIZE });
  });

  test('a row that was marked deleted', async () => {
    await deps.db.$executeRaw`UPDATE users SET deleted_at = '2020-01-01' WHERE clerk_id = ${idAt(44)}`;
    await expect(sweep()).resolves.toMatchObject({ compared: PAGE_SIZE });
  });

  test('a row of nobody, in the middle and at the end', async () => {
    const places = [await createdAt(idAt(5)), new Date()];
    for (const [n, place] of places.entries())
      await insertRow(`user_29w83sxmDNGwOuEthce5gg56Fc${n}`, place, new Date('2015-01-01'));
    // The page in the middle, and the last one, which is empty.
    await expect(sweep()).resolves.toMatchObject({ compared: PAGE_SIZE });
    await expect(deps.db.deletionCandidate.count()).resolves.toBe(2);
    await removeInserted();
  });

  test('a row that was edited, though its creation time puts it on a page not its own, and another row in its place', async () => {
    const [edited, other] = [idAt(5), idAt(25)];
    const times = [await createdAt(edited), await createdAt(other)] as const;
    const place = (clerkId: string, clerkCreatedAt: Date) =>
      deps.db.user.update({ where: { clerkId }, data: { clerkCreatedAt } });
    await Promise.all([place(edited, times[1]), place(other, times[0])]);
    for (let sweeps = 0; sweeps < 2; sweeps++) await sweep();
    await deps.db.user.update({ where: { clerkId: edited }, data: { firstName: 'Edited' } });
    await expect(sweep()).resolves.toMatchObject({ updated: 1 });
    expect((await rowOf(edited))?.firstName).not.toBe('Edited');
    await Promise.all([place(edited, times[0]), place(other, times[1])]);
    await deps.db.deletionCandidate.deleteMany();
  });

  test('a row that was observed later than its page, once the page is later', async () => {
    const clerkId = idAt(48);
    const isLocked = async () => (await rowOf(clerkId))?.locked;
    // So long ahead that this machine sweeps before it has come to that.
    for (let seconds = 1; !(await isLocked()); seconds *= 2) {
      await deps.db.$executeRaw`
        UPDATE users SET locked = true, observed_at = now() + ${seconds}::int * interval '1 second' WHERE clerk_id = ${clerkId}`;
      // What Clerk says does not apply yet.
      await expect(sweep()).resolves.toMatchObject({ seen: USERS, compared: PAGE_SIZE });
    }
    await waitUntil(async () => {
      await sweep();
      return (await isLocked()) === false;
    });
  });

  test('a row that was edited just after it had been compared', async () => {
    const clerkId = idAt(21);
    deps = { ...deps };
    const original = Client.prototype.query;
    let edits = 0;
    const query = jest.spyOn(Client.prototype, 'query').mockImplementation(async function (
      this: Client,
      ...asked: unknown[]
    ) {
      const answer: unknown = await Reflect.apply(original, this, asked);
      const [text, values] = asked;
      const isComparison = String(text).includes('AS compared') && JSON.stringify(values).includes(clerkId);
      if (isComparison && edits++ === 0)
        await deps.db.user.update({ where: { clerkId }, data: { lastName: 'Edited' } });
      return answer;
    } as typeof original);
    await expect(sweep()).resolves.toMatchObject({ unchanged: USERS, compared: USERS });
    query.mockRestore();
    expect(edits).toBe(1);
    await expect(sweep()).resolves.toMatchObject({ updated: 1, compared: PAGE_SIZE });
  });
});

test('a user whom Postgres refused is tried again, though nothing changed but the reason', async () => {
  const clerkId = idAt(37);
  await deps.db.$executeRawUnsafe(
    `ALTER TABLE users ADD CONSTRAINT no_mallory CHECK (first_name <> 'Mallory')`,
  );
  standIn.users.updateUser(clerkId, { first_name: 'Mallory' });
  for (let sweeps = 0; sweeps < 2; sweeps++)
    await expect(sweep()).resolves.toMatchObject({ failed: 1, unchanged: USERS - 1, compared: PAGE_SIZE });
  await deps.db.$executeRaw`ALTER TABLE users DROP CONSTRAINT no_mallory`;
  await expect(sweep()).resolves.toMatchObject({ failed: 0, updated: 1 });
});

test('a row that Clerk may not list yet is looked for once it is old enough', async () => {
  const { reconcile } = deps;
  deps.reconcile = { ...reconcile, deletionGraceMs: 60_000 };
  await insertRow('user_29w83sxmDNGwOuEthce5gg56FcC', await createdAt(idAt(5)), new Date());
  await expect(sweep()).resolves.toMatchObject({ unchanged: USERS });
  await expect(deps.db.deletionCandidate.count()).resolves.toBe(0);
  deps.reconcile = reconcile;
  await sweep();
  await expect(deps.db.deletionCandidate.count()).resolves.toBe(1);
  await removeInserted();
});

test('whoever is a candidate for deletion is compared, and is none any more', async () => {
  await deps.db.deletionCandidate.create({
    data: { clerkId: idAt(30), runId: 'earlier', foundAt: new Date() },
  });
  await expect(sweep()).resolves.toMatchObject({ unchanged: USERS, compared: PAGE_SIZE });
  await expect(deps.db.deletionCandidate.count()).resolves.toBe(0);
});

test('what a walk reads while it doubts an end is not known at the next sweep', async () => {
  await expect(sweep()).resolves.toMatchObject({ compared: 0 });
  const doubt = {
    at: { clerkUserId: idAt(29), clerkCreatedAtMs: Date.now() },
    stepsBack: 1,
    listedAgain: false,
  };
  const place = { ...WINDOW_START, doubt };
  const step = { window: { fromMs: null, toMs: null }, place, runId: 'run', plan: false };
  mapped = 0;
  const { next }: ComparedPages = await activity.run(() => comparePages(deps, step, 1));
  expect(next).toMatchObject({ doubt: { stepsBack: 1, listedAgain: false } });
  expect(mapped).toBe(PAGE_SIZE);
  // That page is compared once more, and what is remembered then has no doubt.
  for (let sweeps = 0; sweeps < 2; sweeps++) await sweep();
  await expect(sweep()).resolves.toMatchObject({ compared: 0, unchanged: USERS });
});

test('a plan compares by itself', async () => {
  await expect(sweep({ plan: true })).resolves.toMatchObject({ compared: USERS, unchanged: USERS });
});

test('another process knows nothing', async () => {
  deps = { ...deps };
  await expect(sweep()).resolves.toMatchObject({ compared: USERS });
});

test('a page that was read ahead in vain, as the one before ends with somebody else now, is a request that is told', async () => {
  standIn.users.deleteUser(idAt(PAGE_SIZE - 1));
  const before = listed();
  const { clerkRequests, pages, seen } = await sweep();
  expect(clerkRequests).toBe(listed() - before);
  expect(clerkRequests).toBe(pages + 1);
  expect(seen).toBe(USERS - 1);
  await expect(deps.db.deletionCandidate.count()).resolves.toBe(1);
});
