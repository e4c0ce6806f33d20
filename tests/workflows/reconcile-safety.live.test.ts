import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { startStandIn } from '../../src/clerk-stand-in/start-stand-in.js';
import { SYNC_TASK_QUEUE } from '../../src/names.js';
import { reconcileUsers } from '../../src/workflows/reconcile-users.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { waitUntil } from '../support/wait-until.js';

let service: TestService;
let runs = 0;

const start = () =>
  service.client.workflow.start(reconcileUsers, {
    workflowId: `reconcile-${++runs}`,
    taskQueue: SYNC_TASK_QUEUE,
    args: [{ kind: 'sweep' }],
  });
const reconcile = async () => (await start()).result();
const liveIds = async () => {
  const rows = await service.db.user.findMany({ where: { deletedAt: null }, select: { clerkId: true } });
  return rows.map((row) => row.clerkId).sort();
};

beforeAll(async () => {
  service = await startTestService({ pageSize: 10, standIn: { seedUsers: 45, rateLimit: null } });
  await service.startWorker();
});
afterAll(() => service.stop());

describe('no deletion comes of', () => {
  let before: string[];
  beforeEach(async () => {
    await reconcile();
    before = await liveIds();
    expect(before).toHaveLength(45);
  });
  afterEach(async () => {
    service.standIn.settings.failures = [];
    expect(await liveIds()).toEqual(before);
  });

  test('an empty list', async () => {
    service.standIn.failWith({ kind: 'empty-list', pathPrefix: '/v1/users?' });
    await expect(reconcile()).resolves.toMatchObject({ deleted: 0, seen: 0 });
  });

  test("another instance's key, which shows that instance's users and none of ours; the run says what it withheld", async () => {
    const otherInstance = await startStandIn({ seedUsers: 12, seed: 99, rateLimit: null });
    try {
      await service.stopWorker();
      await service.startWorker(otherInstance);
      await expect(reconcile()).resolves.toMatchObject({ deleted: 0, withheld: before.length, created: 12 });
    } finally {
      await service.stopWorker();
      await service.startWorker();
      await otherInstance.stop();
      await service.db.user.deleteMany({ where: { clerkId: { notIn: before } } });
    }
  });

  test.each([
    ['a wrong key', { kind: 'status', status: 401 }, 'CLERK_KEY_REFUSED'],
    ['a server error', { kind: 'status', status: 500 }, 'CLERK_UNAVAILABLE'],
    [
      "a proxy's 404",
      { kind: 'status', status: 404, body: '<html>', contentType: 'text/html' },
      'CLERK_ANSWER_UNUSABLE',
    ],
    ['half a page', { kind: 'broken-json' }, 'CLERK_ANSWER_UNUSABLE'],
    ['a dropped connection', { kind: 'drop' }, 'CLERK_UNAVAILABLE'],
  ] as const)('%s; the run waits, names it, and goes on once it is over', async (_, failure, code) => {
    const clear = service.standIn.failWith({ ...failure, pathPrefix: '/v1/users' });
    const handle = await start();
    await waitUntil(
      async () => {
        const { raw } = await handle.describe();
        return (
          raw.pendingActivities?.some(
            (activity) => activity.lastFailure?.applicationFailureInfo?.type === code,
          ) ?? false
        );
      },
      { describe: `a pending activity that failed with ${code}` },
    );
    expect(await liveIds()).toEqual(before);
    clear();
    await expect(handle.result()).resolves.toMatchObject({ deleted: 0 });
  });
});

test('when more are gone than one run may delete, nobody is; the rest is repaired all the same', async () => {
  await reconcile();
  const ids = service.standIn.users.ids();
  for (const id of ids.slice(0, 14)) service.standIn.users.deleteUser(id);
  const changed = ids[20] ?? '';
  service.standIn.users.updateUser(changed, { first_name: 'Repaired' });
  const before = await liveIds();
  await expect(reconcile()).resolves.toMatchObject({ deleted: 0, withheld: 14, updated: 1 });
  expect(await liveIds()).toEqual(before);
  expect(await service.db.goneUser.count()).toBe(14);
  expect(await service.db.user.findUnique({ where: { clerkId: changed } })).toMatchObject({
    firstName: 'Repaired',
  });
});
