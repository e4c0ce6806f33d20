import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { startStandIn } from '../../src/clerk-stand-in/start-stand-in.js';
import { SYNC_TASK_QUEUE } from '../../src/names.js';
import { reconcileUsers } from '../../src/workflows/reconcile-users.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { waitUntil } from '../support/wait-until.js';

let service: TestService;
let runs = 0;

const start = (mostDeletions?: number) =>
  service.client.workflow.start(reconcileUsers, {
    workflowId: `reconcile-${++runs}`,
    taskQueue: SYNC_TASK_QUEUE,
    args: [{ kind: 'sweep', ...(mostDeletions === undefined ? {} : { mostDeletions }) }],
  });
const reconcile = async (mostDeletions?: number) => (await start(mostDeletions)).result();
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

test('an operator who says how many may be deleted has them deleted', async () => {
  await expect(reconcile(14)).resolves.toMatchObject({ deleted: 14, withheld: 0 });
  expect(await service.db.goneUser.count()).toBe(0);
  expect(await liveIds()).toEqual(service.standIn.users.ids().toSorted());
});

test('a page with more candidates than it asks about withholds them all, whatever the limit', async () => {
  await reconcile();
  const before = service.standIn.users.count();
  await service.db.$executeRaw`
    INSERT INTO users (clerk_id, clerk_created_at, clerk_updated_at, observed_at, observed_via, content_hash, synced_at, synced_by, last_outcome)
    SELECT 'user_phantom' || n, '2015-01-01', '2015-01-01', '2015-01-01', 'webhook', '', now(), 'webhook', 'created'
    FROM generate_series(1, 2001) AS n`;
  await expect(reconcile(1_000_000)).resolves.toMatchObject({ deleted: 0, withheld: 2_000 });
  expect(await service.db.user.count({ where: { deletedAt: null } })).toBe(before + 2_001);
  await service.db.$executeRaw`DELETE FROM users WHERE clerk_id LIKE 'user_phantom%'`;
});

test('two sweeps side by side both know whom they found, and what one withholds the other does not delete', async () => {
  await reconcile();
  const gone = service.standIn.users.ids().slice(0, 3);
  for (const id of gone) service.standIn.users.deleteUser(id);
  const results = await Promise.all([reconcile(), reconcile()]);
  expect(results.map(({ deleted }) => deleted).reduce((a, b) => a + b)).toBe(3);
  expect(await liveIds()).toEqual(service.standIn.users.ids().toSorted());
});

test('a row whose deletion Postgres refuses is recorded and costs no other', async () => {
  await reconcile();
  const [kept = '', removed = ''] = service.standIn.users.ids();
  await service.db.$executeRawUnsafe(
    `ALTER TABLE users ADD CONSTRAINT keep_one CHECK (clerk_id <> '${kept}' OR deleted_at IS NULL)`,
  );
  service.standIn.users.deleteUser(kept);
  service.standIn.users.deleteUser(removed);
  await expect(reconcile()).resolves.toMatchObject({ deleted: 1, failed: 1 });
  expect((await service.db.user.findUnique({ where: { clerkId: removed } }))?.deletedAt).toBeInstanceOf(Date);
  expect(await service.db.syncFailure.findUnique({ where: { clerkId: kept } })).toMatchObject({
    code: 'ROW_REJECTED',
  });
  await service.db.$executeRaw`ALTER TABLE users DROP CONSTRAINT keep_one`;
});

test("a user whom the application's own trigger refuses is recorded and costs no other", async () => {
  await service.db
    .$executeRaw`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END'`;
  await service.db
    .$executeRaw`CREATE TRIGGER refuse BEFORE INSERT ON users FOR EACH ROW WHEN (NEW.last_name = 'Refused') EXECUTE FUNCTION refuse()`;
  service.standIn.users.createUser({ last_name: 'Refused', email_address: ['refused@example.com'] });
  const other = service.standIn.users.createUser({
    last_name: 'Taken',
    email_address: ['taken@example.com'],
  });
  await expect(reconcile()).resolves.toMatchObject({ created: 1, failed: 1 });
  expect(await liveIds()).toContain(other.id);
});
