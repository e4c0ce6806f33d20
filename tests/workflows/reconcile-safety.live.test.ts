import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type StandIn, startStandIn } from '../../src/clerk-stand-in/start-stand-in.js';
import { failAfter } from '../support/fail-after.js';
import {
  clerkIds,
  heldDeletions,
  liveIds,
  reconcile,
  startReconcile,
  untilFailedWith,
  writesToUsers,
} from '../support/reconciling.js';
import { startTestService, type TestService } from '../support/test-service.js';

let service: TestService;

beforeAll(async () => {
  service = await startTestService({
    pageSize: 10,
    // None is asked for before the one before it is there.
    pagesPerTask: 1,
    standIn: { seedUsers: 45, rateLimit: null },
  });
  await service.startWorker();
});
afterAll(() => service.stop());

/** Settles what a test left waiting, as an operator who keeps the rows. */
async function keepHeldRows(): Promise<void> {
  const held = heldDeletions(service);
  await held.signal('rejectDeletions');
  await held.result();
  await service.db.deletionCandidate.deleteMany();
}

/** Runs with a worker that has this Clerk's key. */
async function withClerk(clerk: StandIn, run: () => Promise<void>): Promise<void> {
  try {
    await service.stopWorker();
    await service.startWorker(clerk);
    await run();
  } finally {
    await service.stopWorker();
    await service.startWorker();
    await clerk.stop();
  }
}

describe('no deletion comes of', () => {
  let before: string[];
  beforeEach(async () => {
    await reconcile(service);
    before = await liveIds(service);
    expect(before).toHaveLength(45);
  });
  afterEach(async () => {
    service.standIn.settings.failures = [];
    expect(await liveIds(service)).toEqual(before);
  });

  test('an empty list, which shows no witness; the run says so', async () => {
    service.standIn.failWith({ kind: 'empty-list', pathPrefix: '/v1/users?' });
    const result = await reconcile(service);
    expect(result).toMatchObject({ deleted: 0, withheld: 0, seen: 0 });
    expect(result.summary).toContain('Nobody is deleted');
    await reconcile(service);
    service.standIn.settings.failures = [];
    await expect(reconcile(service)).resolves.toMatchObject({ deleted: 0, withheld: 0, seen: 45 });
    expect(await service.db.deletionCandidate.count()).toBe(0);
  });

  test('an answer without a witness, however many sweeps ask', async () => {
    const hidden = service.standIn.users.ids().slice(3, 6);
    const shown = service.standIn.users.list('limit=10&order_by=%2Bcreated_at');
    // Their page lacks them, and then Clerk, asked by id, shows nobody.
    for (let sweep = 0; sweep < 3; sweep++) {
      const body = shown.filter(({ id }) => !hidden.includes(id));
      service.standIn.failWith({
        kind: 'status',
        status: 200,
        body: [...body, ...service.standIn.users.list('limit=3&offset=10&order_by=%2Bcreated_at')],
        pathPrefix: '/v1/users?order_by',
        times: 1,
      });
      service.standIn.failWith({ kind: 'empty-list', pathPrefix: '/v1/users?limit=100&user_id', times: 1 });
      const result = await reconcile(service);
      expect(result).toMatchObject({ deleted: 0, withheld: 0 });
      expect(result.summary).toContain('did not show a user whom it had just listed');
      expect(await service.db.deletionCandidate.findMany()).toMatchObject(
        hidden.toSorted().map((clerkId) => ({ clerkId, goneAt: null })),
      );
    }
    await expect(reconcile(service)).resolves.toMatchObject({ deleted: 0 });
    expect(await service.db.deletionCandidate.count()).toBe(0);
  });

  test('a list that left users out: Clerk, asked by id, shows them', async () => {
    const [first, ...others] = service.standIn.users.list('limit=11&order_by=%2Bcreated_at');
    service.standIn.failWith({
      kind: 'status',
      status: 200,
      body: others,
      pathPrefix: '/v1/users?order_by',
      times: 1,
    });
    const handle = await startReconcile(service);
    await expect(handle.result()).resolves.toMatchObject({ deleted: 0, unchanged: 44, clerkRequests: 8 });
    expect(await liveIds(service)).toContain(first?.id);
    expect(await service.db.deletionCandidate.count()).toBe(0);
  });

  test("another instance's key: the run waits, names it, and writes nothing", async () => {
    const writes = await writesToUsers(service);
    await withClerk(
      await startStandIn({ seedUsers: 12, seed: 99, rateLimit: null, instanceId: 'ins_other' }),
      async () => {
        const handle = await startReconcile(service);
        await untilFailedWith(handle, 'INSTANCE_CHANGED');
        const { pendingActivities } = (await handle.describe()).raw;
        expect(pendingActivities?.[0]?.lastFailure?.message).toMatch(/ins_other.*ins_clerkstandin/);
        expect(await writesToUsers(service)).toEqual(writes);
        expect(await service.db.deletionCandidate.count()).toBe(0);
        await handle.terminate('It would wait for ever.');
      },
    );
    expect(await service.db.syncedInstance.findMany()).toMatchObject([
      { instanceId: service.standIn.instanceId },
    ]);
  });

  test("another instance's key in the middle of a sweep: the rest waits until the key is right again", async () => {
    const other = await startStandIn({ seedUsers: 12, seed: 99, rateLimit: null, instanceId: 'ins_other' });
    failAfter(service.standIn, 3, { kind: 'status', status: 500, pathPrefix: '/v1/users' });
    const handle = await startReconcile(service);
    await untilFailedWith(handle, 'CLERK_UNAVAILABLE');
    await withClerk(other, async () => {
      await untilFailedWith(handle, 'INSTANCE_CHANGED');
      service.standIn.settings.failures = [];
    });
    await expect(handle.result()).resolves.toMatchObject({ deleted: 0, created: 0, unchanged: 45, seen: 45 });
  });

  test('the same instance with other users, which shows none of ours: nobody was known before', async () => {
    await withClerk(await startStandIn({ seedUsers: 12, seed: 99, rateLimit: null }), async () => {
      const result = await reconcile(service);
      expect(result).toMatchObject({ deleted: 0, withheld: 0, created: 12 });
      expect(result.summary).toContain('Nobody is deleted');
      // Now it is known from before whom this Clerk lists: ours could be told gone, and are too many.
      await expect(reconcile(service)).resolves.toMatchObject({ deleted: 0, withheld: 45 });
    });
    await keepHeldRows();
    await service.db.user.deleteMany({ where: { clerkId: { notIn: before } } });
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
    const handle = await startReconcile(service);
    await untilFailedWith(handle, code);
    expect(await liveIds(service)).toEqual(before);
    clear();
    await expect(handle.result()).resolves.toMatchObject({ deleted: 0 });
  });
});

test('three users in ten gone: parked and nothing deleted; the rest is repaired all the same', async () => {
  await reconcile(service);
  const ids = service.standIn.users.ids();
  const gone = ids.slice(0, 14);
  for (const id of gone) service.standIn.users.deleteUser(id);
  const changed = ids[20] ?? '';
  service.standIn.users.updateUser(changed, { first_name: 'Repaired' });
  const before = await liveIds(service);
  await expect(reconcile(service)).resolves.toMatchObject({ deleted: 0, withheld: 14, updated: 1 });
  expect(await liveIds(service)).toEqual(before);
  const candidates = await service.db.deletionCandidate.findMany({ orderBy: { clerkId: 'asc' } });
  expect(candidates).toMatchObject(
    gone.toSorted().map((clerkId) => ({ clerkId, goneAt: expect.any(Date), rejectedAt: null })),
  );
  expect(await service.db.user.findUnique({ where: { clerkId: changed } })).toMatchObject({
    firstName: 'Repaired',
  });
});

test('an operator who says how many may be deleted has them deleted', async () => {
  await expect(reconcile(service, { kind: 'sweep', mostDeletions: 14 })).resolves.toMatchObject({
    deleted: 14,
    withheld: 0,
  });
  expect(await service.db.deletionCandidate.count()).toBe(0);
  expect(await liveIds(service)).toEqual(clerkIds(service));
  // It had nothing left to hold, whatever it is told.
  const held = heldDeletions(service);
  await held.signal('approveDeletions');
  await expect(held.result()).resolves.toMatchObject({ deleted: 0 });
});

test('two sweeps side by side delete everybody who is gone, each once', async () => {
  await reconcile(service);
  const gone = service.standIn.users.ids().slice(0, 3);
  for (const id of gone) service.standIn.users.deleteUser(id);
  const results = await Promise.all([reconcile(service), reconcile(service)]);
  expect(results.map(({ deleted }) => deleted).reduce((a, b) => a + b)).toBe(3);
  expect(await liveIds(service)).toEqual(clerkIds(service));
  expect(await service.db.userChange.count({ where: { clerkId: { in: gone }, kind: 'deleted' } })).toBe(3);
});

test('about a row that was written after Clerk was asked, Clerk is asked again', async () => {
  await reconcile(service);
  const [gone = ''] = service.standIn.users.ids();
  service.standIn.users.deleteUser(gone);
  // Held once, seen again, and gone for good before a sweep could tell.
  const longAgo = new Date(0);
  await service.db.deletionCandidate.create({
    data: { clerkId: gone, runId: 'earlier', foundAt: longAgo, goneAt: longAgo },
  });
  await expect(reconcile(service)).resolves.toMatchObject({ deleted: 1, withheld: 0 });
  expect(await liveIds(service)).toEqual(clerkIds(service));
  expect(await service.db.deletionCandidate.count()).toBe(0);
});

test('a row whose deletion Postgres refuses is recorded and costs no other', async () => {
  await reconcile(service);
  const [kept = '', removed = ''] = service.standIn.users.ids();
  await service.db.$executeRawUnsafe(
    `ALTER TABLE users ADD CONSTRAINT keep_one CHECK (clerk_id <> '${kept}' OR deleted_at IS NULL)`,
  );
  service.standIn.users.deleteUser(kept);
  service.standIn.users.deleteUser(removed);
  await expect(reconcile(service)).resolves.toMatchObject({ deleted: 1, failed: 1 });
  expect((await service.db.user.findUnique({ where: { clerkId: removed } }))?.deletedAt).toBeInstanceOf(Date);
  expect(await service.db.syncFailure.findUnique({ where: { clerkId: kept } })).toMatchObject({
    code: 'ROW_REJECTED',
  });
  await service.db.$executeRaw`ALTER TABLE users DROP CONSTRAINT keep_one`;
  await expect(reconcile(service)).resolves.toMatchObject({ deleted: 1, failed: 0 });
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
  await expect(reconcile(service)).resolves.toMatchObject({ created: 1, failed: 1 });
  expect(await liveIds(service)).toContain(other.id);
});
