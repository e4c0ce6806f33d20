import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { failAfter } from '../support/fail-after.js';
import {
  activitiesOf,
  clerkIds,
  liveIds,
  reconcile,
  recordedRuns,
  startReconcile,
  untilFailedWith,
  untilPages,
  writesToUsers,
} from '../support/reconciling.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { waitUntil } from '../support/wait-until.js';

const PAGE_SIZE = 5;
let service: TestService;

const signUp = (name: string) =>
  service.standIn.users.createUser({ first_name: name, email_address: [`${name}@example.com`] }).id;

beforeAll(async () => {
  service = await startTestService({
    pageSize: PAGE_SIZE,
    standIn: { seedUsers: 23, rateLimit: null },
  });
  await service.startWorker();
});
afterAll(() => service.stop());
afterEach(() => {
  service.standIn.settings.failures.length = 0;
});

describe('a sweep', () => {
  test('creates every user of Clerk, page by page, and records what it did', async () => {
    await expect(reconcile(service)).resolves.toMatchObject({
      kind: 'sweep',
      pages: 5,
      seen: 23,
      created: 23,
      deleted: 0,
      failed: 0,
    });
    expect(await liveIds(service)).toEqual(clerkIds(service));
    expect(await service.db.reconcileRun.findFirst({ orderBy: { startedAt: 'desc' } })).toMatchObject({
      status: 'completed',
      kind: 'sweep',
      created: 23,
      clerkRequests: 7,
    });
  });

  test('writes nothing when nothing changed', async () => {
    const before = await writesToUsers(service);
    await expect(reconcile(service)).resolves.toMatchObject({
      created: 0,
      updated: 0,
      unchanged: 23,
      clerkRequests: 7,
    });
    expect(await writesToUsers(service)).toEqual(before);
  });

  test('updates what changed and removes who is gone, after asking Clerk for each', async () => {
    const [changed, gone] = clerkIds(service);
    if (changed === undefined || gone === undefined) throw new Error('the stand-in has users');
    service.standIn.users.updateUser(changed, { first_name: 'Changed' });
    service.standIn.users.deleteUser(gone);
    await expect(reconcile(service)).resolves.toMatchObject({ updated: 1, deleted: 1, created: 0 });
    expect(await service.db.user.findUnique({ where: { clerkId: changed } })).toMatchObject({
      firstName: 'Changed',
      syncedBy: 'reconcile',
    });
    expect((await service.db.user.findUnique({ where: { clerkId: gone } }))?.deletedAt).toBeInstanceOf(Date);
    expect(await liveIds(service)).toEqual(clerkIds(service));
  });

  test('repairs what somebody else wrote into the row, and leaves their own columns alone', async () => {
    const [edited = ''] = clerkIds(service);
    await service.db.$executeRaw`ALTER TABLE users ADD COLUMN plan text`;
    const rightly = await service.db.user.findUniqueOrThrow({ where: { clerkId: edited } });
    await service.db
      .$executeRaw`UPDATE users SET first_name = 'Mallory', email = 'mallory@example.com', plan = 'pro' WHERE clerk_id = ${edited}`;
    await expect(reconcile(service)).resolves.toMatchObject({ updated: 1, created: 0, deleted: 0 });
    expect(await service.db.user.findUniqueOrThrow({ where: { clerkId: edited } })).toMatchObject({
      firstName: rightly.firstName,
      email: rightly.email,
      contentHash: rightly.contentHash,
    });
    await service.db
      .$executeRaw`UPDATE users SET clerk_created_at = clerk_created_at + interval '1 year' WHERE clerk_id = ${edited}`;
    await expect(reconcile(service)).resolves.toMatchObject({ updated: 1, created: 0, deleted: 0 });
    expect(await service.db.user.findUniqueOrThrow({ where: { clerkId: edited } })).toMatchObject({
      clerkCreatedAt: rightly.clerkCreatedAt,
    });
    await service.db.$executeRaw`UPDATE users SET plan = 'team' WHERE clerk_id = ${edited}`;
    await expect(reconcile(service)).resolves.toMatchObject({ updated: 0 });
    expect(await service.db.$queryRaw`SELECT plan FROM users WHERE clerk_id = ${edited}`).toEqual([
      { plan: 'team' },
    ]);
  });

  test('of few pages is one activity; where its pages fail, the task says so that reads them', async () => {
    const small = await startReconcile(service);
    await small.result();
    expect(await activitiesOf(small)).toEqual(['beginReconcile']);
    service.standIn.failWith({ kind: 'status', status: 500, pathPrefix: '/v1/users?order_by' });
    const failing = await startReconcile(service);
    await untilFailedWith(failing, 'CLERK_UNAVAILABLE');
    expect(await activitiesOf(failing)).toEqual(['beginReconcile', 'comparePages']);
    expect(await recordedRuns(service, failing)).toMatchObject([{ status: 'running' }]);
    service.standIn.settings.failures.length = 0;
    await expect(failing.result()).resolves.toMatchObject({ seen: clerkIds(service).length });
  });

  test('of few pages whose end cannot count has a task for it, ends without a number, and reads no page again', async () => {
    failAfter(service.standIn, 1, { kind: 'status', status: 500, pathPrefix: '/v1/users/count' });
    const handle = await startReconcile(service);
    const users = clerkIds(service).length;
    const pages = Math.ceil((users + 1) / PAGE_SIZE);
    const result = await handle.result();
    expect(result).toMatchObject({ seen: users, pages, clerkRequests: pages + 2, clerkUsers: null });
    expect(result.problems).toEqual([expect.stringContaining('GET /users/count: status 500')]);
    expect(await activitiesOf(handle)).toEqual(['beginReconcile', 'endReconcile']);
    expect(await recordedRuns(service, handle)).toMatchObject([
      { status: 'completed', pages, clerkUsers: null, problems: result.problems },
    ]);
    service.standIn.settings.failures.length = 0;
  });

  test('of few pages is in the table of runs while it asks about candidates', async () => {
    const leaving = signUp('leaving');
    await reconcile(service);
    service.standIn.users.deleteUser(leaving);
    await service.db
      .$executeRaw`CREATE FUNCTION break_off() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION USING ERRCODE = '57P01'; END $$`;
    await service.db
      .$executeRaw`CREATE TRIGGER break_off BEFORE UPDATE ON deletion_candidates FOR EACH ROW EXECUTE FUNCTION break_off()`;
    const asking = await startReconcile(service);
    await untilFailedWith(asking, 'POSTGRES_UNAVAILABLE');
    expect(await activitiesOf(asking)).toEqual(['beginReconcile', 'askCandidates']);
    expect(await recordedRuns(service, asking)).toMatchObject([{ status: 'running' }]);
    await service.db.$executeRaw`DROP FUNCTION break_off CASCADE`;
    await expect(asking.result()).resolves.toMatchObject({ deleted: 1, unasked: 0 });
  });

  test('of forty pages or more runs in windows, all in one run, and is one row in the table of runs', async () => {
    for (let i = clerkIds(service).length; i < 230; i++) signUp(`many${i}`);
    const handle = await startReconcile(service);
    const result = await handle.result();
    expect(result).toMatchObject({ kind: 'sweep', seen: 230, windows: 2 });
    const { events } = await handle.fetchHistory();
    expect(events?.some((event) => event.startChildWorkflowExecutionInitiatedEventAttributes)).toBe(false);
    // Each window may end with a page that is not full.
    expect(result.pages).toBeGreaterThanOrEqual(46);
    expect(result.pages).toBeLessThanOrEqual(46 + 2);
    expect(await recordedRuns(service, handle)).toMatchObject([
      { status: 'completed', pages: result.pages, seen: 230, windows: 2, clerkUsers: 230, liveRows: 230 },
    ]);
    expect(await liveIds(service)).toEqual(clerkIds(service));
  });

  test('goes on at its pages after the worker was stopped, and reads none of them twice', async () => {
    const before = service.standIn.stats.byRoute['GET /v1/users'] ?? 0;
    const handle = await startReconcile(service);
    for (const pages of [10, 20, 35]) {
      await untilPages(handle, pages);
      await service.stopWorker();
      await service.startWorker();
    }
    const result = await handle.result();
    expect(result).toMatchObject({ seen: 230, unchanged: 230 });
    const requests = (service.standIn.stats.byRoute['GET /v1/users'] ?? 0) - before;
    // A worker that is told to stop ends the pages that it has begun.
    expect(requests).toBe(result.pages);
  });

  test('steps back when the user its cursor stands on was deleted meanwhile', async () => {
    const users = service.standIn.users.list('limit=500&order_by=created_at');
    const cursorUser = users[PAGE_SIZE - 1]?.id;
    if (cursorUser === undefined) throw new Error('the stand-in has users');
    // Page 1 is answered; the cursor's user goes before page 2 is asked for.
    const unwatch = service.standIn.users;
    service.standIn.settings.failures.push({
      kind: 'status',
      status: 429,
      headers: { 'retry-after': '1' },
      pathPrefix: '/v1/users',
      times: 1,
    });
    const handle = await startReconcile(service);
    await untilPages(handle, 1);
    unwatch.deleteUser(cursorUser);
    await handle.result();
    await reconcile(service);
    expect(await liveIds(service)).toEqual(clerkIds(service));
  });

  test('cancelled, says so in the table and leaves what it wrote', async () => {
    service.standIn.settings.failures.push({ kind: 'slow', latencyMs: 200, pathPrefix: '/v1/users' });
    const handle = await startReconcile(service);
    await untilPages(handle, 2);
    await handle.cancel();
    await expect(handle.result()).rejects.toThrow();
    await waitUntil(async () => (await recordedRuns(service, handle))[0]?.status === 'cancelled', {
      describe: 'a run recorded as cancelled',
    });
  });
});

test('Retry-After is honoured: the next request comes no earlier', async () => {
  service.standIn.settings.failures.push({
    kind: 'status',
    status: 429,
    headers: { 'retry-after': '3' },
    pathPrefix: '/v1/users',
    times: 1,
  });
  const startedMs = Date.now();
  await reconcile(service);
  expect(Date.now() - startedMs).toBeGreaterThanOrEqual(3_000);
});

test('one user whom Postgres refuses costs no other, and is recorded', async () => {
  await service.db.$executeRaw`CREATE UNIQUE INDEX one_name ON users (last_name) WHERE last_name = 'Refused'`;
  for (const name of ['r1', 'r2']) {
    service.standIn.users.createUser({ last_name: 'Refused', email_address: [`${name}@example.com`] });
  }
  const third = signUp('third');
  await expect(reconcile(service)).resolves.toMatchObject({ created: 2, failed: 1 });
  expect(await service.db.syncFailure.findMany()).toMatchObject([{ code: 'ROW_REJECTED' }]);
  expect(await liveIds(service)).toEqual(expect.arrayContaining([third]));
  await service.db.$executeRaw`DROP INDEX one_name`;
  await expect(reconcile(service)).resolves.toMatchObject({ created: 1, failed: 0 });
  expect((await service.db.syncFailure.findFirst())?.resolvedAt).toBeInstanceOf(Date);
});
