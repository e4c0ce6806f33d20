import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import { SYNC_TASK_QUEUE } from '../../src/names.js';
import type { ReconcileInput } from '../../src/workflows/reconcile-messages.js';
import { reconcileUsers } from '../../src/workflows/reconcile-users.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { waitUntil } from '../support/wait-until.js';

const PAGE_SIZE = 5;
let service: TestService;
let runs = 0;

const start = (input: ReconcileInput = { kind: 'auto' }) =>
  service.client.workflow.start(reconcileUsers, {
    workflowId: `reconcile-${++runs}`,
    taskQueue: SYNC_TASK_QUEUE,
    args: [input],
  });
const reconcile = async (input?: ReconcileInput) => (await start(input)).result();

const liveIds = async () => {
  const rows = await service.db.user.findMany({ where: { deletedAt: null }, select: { clerkId: true } });
  return rows.map((row) => row.clerkId).sort();
};
const clerkIds = () =>
  service.standIn.users
    .ids()
    .filter((id) => service.standIn.users.has(id))
    .sort();
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
    await expect(reconcile()).resolves.toMatchObject({
      kind: 'sweep',
      pages: 5,
      seen: 23,
      created: 23,
      deleted: 0,
      failed: 0,
    });
    expect(await liveIds()).toEqual(clerkIds());
    expect(await service.db.reconcileRun.findFirst({ orderBy: { startedAt: 'desc' } })).toMatchObject({
      status: 'completed',
      kind: 'sweep',
      created: 23,
      clerkRequests: 6,
    });
  });

  test('writes nothing when nothing changed', async () => {
    const versions = () =>
      service.db.$queryRaw`SELECT clerk_id, xmin::text, ctid::text FROM users ORDER BY clerk_id`;
    const before = await versions();
    await expect(reconcile()).resolves.toMatchObject({
      created: 0,
      updated: 0,
      unchanged: 23,
      clerkRequests: 6,
    });
    expect(await versions()).toEqual(before);
  });

  test('updates what changed and removes who is gone, after asking Clerk for each', async () => {
    const [changed, gone] = clerkIds();
    if (changed === undefined || gone === undefined) throw new Error('the stand-in has users');
    service.standIn.users.updateUser(changed, { first_name: 'Changed' });
    service.standIn.users.deleteUser(gone);
    await expect(reconcile()).resolves.toMatchObject({ updated: 1, deleted: 1, created: 0 });
    expect(await service.db.user.findUnique({ where: { clerkId: changed } })).toMatchObject({
      firstName: 'Changed',
      syncedBy: 'reconcile',
    });
    expect((await service.db.user.findUnique({ where: { clerkId: gone } }))?.deletedAt).toBeInstanceOf(Date);
    expect(await liveIds()).toEqual(clerkIds());
  });

  test('continues as new over many pages, as one row in the table of runs', async () => {
    for (let i = clerkIds().length; i < 520; i++) signUp(`many${i}`);
    const handle = await start();
    await expect(handle.result()).resolves.toMatchObject({ pages: 105, seen: 520 });
    const { runId } = await service.client.workflow.getHandle(handle.workflowId).describe();
    expect(runId).not.toBe(handle.firstExecutionRunId);
    expect(
      await service.db.reconcileRun.findMany({ where: { id: { startsWith: `${handle.workflowId}/` } } }),
    ).toMatchObject([{ status: 'completed', pages: 105, seen: 520 }]);
    expect(await liveIds()).toEqual(clerkIds());
  });

  test('goes on at its page after the worker died, and no page is written twice', async () => {
    const before = service.standIn.stats.byRoute['GET /v1/users'] ?? 0;
    const handle = await start();
    for (const pages of [20, 50, 80]) {
      await waitUntil(async () => (await progress(handle)) >= pages, {
        describe: `${pages} pages`,
        timeoutMs: 30_000,
      });
      await service.stopWorker();
      await service.startWorker();
    }
    await expect(handle.result()).resolves.toMatchObject({ pages: 105, seen: 520, unchanged: 520 });
    const requests = (service.standIn.stats.byRoute['GET /v1/users'] ?? 0) - before;
    expect(requests).toBeLessThanOrEqual(105 + 3);
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
    const handle = await start();
    await waitUntil(async () => (await progress(handle)) >= 1, { describe: 'the first page' });
    unwatch.deleteUser(cursorUser);
    await handle.result();
    await reconcile();
    expect(await liveIds()).toEqual(clerkIds());
  });

  test('cancelled, says so in the table and leaves what it wrote', async () => {
    service.standIn.settings.failures.push({ kind: 'slow', latencyMs: 200, pathPrefix: '/v1/users' });
    const handle = await start();
    await waitUntil(async () => (await progress(handle)) >= 2, { describe: 'two pages' });
    await handle.cancel();
    await expect(handle.result()).rejects.toThrow();
    await waitUntil(
      async () =>
        (await service.db.reconcileRun.findFirst({ where: { id: { startsWith: `${handle.workflowId}/` } } }))
          ?.status === 'cancelled',
      { describe: 'a run recorded as cancelled' },
    );
  });
});

const progress = async (handle: WorkflowHandle) =>
  (await handle.query<{ pages: number } | null>('status'))?.pages ?? 0;

test('Retry-After is honoured: the next request comes no earlier', async () => {
  service.standIn.settings.failures.push({
    kind: 'status',
    status: 429,
    headers: { 'retry-after': '3' },
    pathPrefix: '/v1/users',
    times: 1,
  });
  const startedMs = Date.now();
  await reconcile();
  expect(Date.now() - startedMs).toBeGreaterThanOrEqual(3_000);
});

test('one user whom Postgres refuses costs no other, and is recorded', async () => {
  await service.db.$executeRaw`CREATE UNIQUE INDEX one_name ON users (last_name) WHERE last_name = 'Refused'`;
  for (const name of ['r1', 'r2']) {
    service.standIn.users.createUser({ last_name: 'Refused', email_address: [`${name}@example.com`] });
  }
  const third = signUp('third');
  await expect(reconcile()).resolves.toMatchObject({ created: 2, failed: 1 });
  expect(await service.db.syncFailure.findMany()).toMatchObject([{ code: 'ROW_REJECTED' }]);
  expect(await liveIds()).toEqual(expect.arrayContaining([third]));
  await service.db.$executeRaw`DROP INDEX one_name`;
  await expect(reconcile()).resolves.toMatchObject({ created: 1, failed: 0 });
  expect((await service.db.syncFailure.findFirst())?.resolvedAt).toBeInstanceOf(Date);
});
