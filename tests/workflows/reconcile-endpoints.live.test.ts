import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { InjectedFailure } from '../../src/clerk-stand-in/stand-in-settings.js';
import { applySnapshots } from '../../src/db/apply-snapshots.js';
import { readStatus } from '../../src/db/read-status.js';
import type { ReconcileResult } from '../../src/workflows/reconcile-messages.js';
import { answerOf, T0 } from '../db/snapshot-of.js';
import {
  clerkIds,
  differences,
  liveIds,
  reconcile,
  startReconcile,
  untilFailedWith,
} from '../support/reconciling.js';
import { startTestService, type TestService, type TestServiceOptions } from '../support/test-service.js';

const TICK = { kind: 'auto' } as const;
const LIST = '/v1/users?order_by=%2Bcreated_at';
const CHANGES = '/v1/users?order_by=-updated_at';
const COUNT = '/v1/users/count';
const OPTIONS: TestServiceOptions = {
  pageSize: 10,
  clerkTimeoutMs: 2_000,
  standIn: { seedUsers: 45, rateLimit: null },
};
const FAILURES: [string, InjectedFailure, string][] = [
  ['422', { kind: 'status', status: 422 }, ''],
  ['500', { kind: 'status', status: 500 }, 'CLERK_UNAVAILABLE'],
  ['429', { kind: 'status', status: 429, headers: { 'retry-after': '1' } }, 'CLERK_RATE_LIMITED'],
  ['nothing', { kind: 'slow', latencyMs: 600_000 }, 'CLERK_UNAVAILABLE'],
  ['half a body', { kind: 'broken-json' }, 'CLERK_ANSWER_UNUSABLE'],
];

let service: TestService;
afterEach(() => {
  service.standIn.settings.failures = [];
});

let made = 0;
/** One user is changed and one comes, and no webhook says so. */
function changeAtClerk(): { changed: string; created: string } {
  const { users } = service.standIn;
  made += 1;
  const [changed = ''] = users.ids();
  users.updateUser(changed, { first_name: `Changed ${made}` });
  return { changed, created: users.createUser({ email_address: [`created${made}@example.com`] }).id };
}
const deleteAtClerk = () => service.standIn.users.deleteUser(service.standIn.users.ids()[3] ?? '');
const fail = (failure: InjectedFailure, pathPrefix: string) =>
  service.standIn.failWith({ ...failure, pathPrefix });
/** A tick once Clerk is well again leaves nothing of it. */
async function expectRecovery(): Promise<void> {
  service.standIn.settings.failures = [];
  await expect(reconcile(service, { kind: 'sweep' })).resolves.toMatchObject({ unasked: 0, problems: [] });
  expect(await differences(service)).toEqual([]);
}
async function expectShown({ problems, summary }: ReconcileResult, ...words: string[]): Promise<void> {
  expect(problems.length).toBeGreaterThan(0);
  for (const word of words) expect(problems.join(' ')).toContain(word);
  expect(summary).toContain(problems[0]);
  const { lastReconcile } = await readStatus(service.db, Date.now());
  expect(lastReconcile?.problems).toEqual(problems);
}

describe('a tick that sweeps,', () => {
  beforeAll(async () => {
    service = await startTestService(OPTIONS);
    await service.startWorker();
  });
  afterAll(() => service.stop());
  beforeEach(() => reconcile(service));

  test.each(FAILURES)(
    'while Clerk answers the count with %s, repairs all the same',
    async (_, failure, code) => {
      changeAtClerk();
      deleteAtClerk();
      fail(failure, COUNT);
      const result = await reconcile(service, TICK);
      expect(result).toMatchObject({ kind: 'sweep', created: 1, updated: 1, deleted: 1, clerkUsers: null });
      await expectShown(result, 'GET /users/count', code);
      await expectRecovery();
    },
  );

  test.each(FAILURES)(
    'while Clerk answers the list with %s, reads the latest changes instead',
    async (_, failure, code) => {
      changeAtClerk();
      fail(failure, LIST);
      const result = await reconcile(service, TICK);
      expect(result).toMatchObject({ kind: 'delta', created: 1, updated: 1, deleted: 0 });
      await expectShown(result, "The sweep ended before it had read Clerk's list", code);
      await expectRecovery();
    },
  );

  test('while one page of the list fails, repairs what is on the others, and deletes who is gone from those', async () => {
    const ids = service.standIn.users.list('limit=500&order_by=%2Bcreated_at').map(({ id }) => id);
    service.standIn.users.deleteUser(ids[3] ?? '');
    service.standIn.users.updateUser(ids[5] ?? '', { first_name: 'On the first page' });
    fail({ kind: 'status', status: 500 }, `${LIST}&limit=10&starting_after=${ids[20]}`);
    const result = await reconcile(service, TICK);
    expect(result).toMatchObject({ kind: 'delta', updated: 1, deleted: 1 });
    await expectShown(result, 'CLERK_UNAVAILABLE');
    await expectRecovery();
  });

  test('while Clerk fails over everything, waits, says for what, and then does it all', async () => {
    changeAtClerk();
    fail({ kind: 'status', status: 500 }, '/v1');
    const handle = await startReconcile(service, TICK);
    await untilFailedWith(handle, 'CLERK_UNAVAILABLE');
    service.standIn.settings.failures = [];
    await expect(handle.result()).resolves.toMatchObject({ created: 1, updated: 1 });
    expect(await differences(service)).toEqual([]);
  });

  test('in a process that has not yet learned its instance, while Clerk does not name it, waits and says for what', async () => {
    await service.stopWorker();
    fail({ kind: 'status', status: 500 }, '/v1/instance');
    await service.startWorker();
    const { created } = changeAtClerk();
    const handle = await startReconcile(service, TICK);
    await untilFailedWith(handle, 'CLERK_UNAVAILABLE');
    const { pendingActivities } = (await handle.describe()).raw;
    expect(pendingActivities?.[0]?.lastFailure?.message).toContain('GET /instance');
    expect(await liveIds(service)).not.toContain(created);
    service.standIn.settings.failures = [];
    await expect(handle.result()).resolves.toMatchObject({ created: 1 });
  });
});

describe('a tick of a table too large to be swept each time,', () => {
  beforeAll(async () => {
    service = await startTestService({ ...OPTIONS, tickShare: 0 });
    await service.startWorker();
    await reconcile(service);
  });
  afterAll(() => service.stop());

  test.each(FAILURES)(
    'while Clerk answers the count with %s, repairs all the same',
    async (_, failure, code) => {
      changeAtClerk();
      fail(failure, COUNT);
      const result = await reconcile(service, TICK);
      expect(result).toMatchObject({ kind: 'delta', created: 1, updated: 1, clerkUsers: null });
      await expectShown(result, 'GET /users/count', code);
      await expectRecovery();
    },
  );

  test('while Clerk fails over the latest changes, sweeps after half a minute', async () => {
    changeAtClerk();
    deleteAtClerk();
    fail({ kind: 'status', status: 500 }, CHANGES);
    const result = await reconcile(service, TICK);
    expect(result).toMatchObject({ kind: 'sweep', created: 1, updated: 1, deleted: 1 });
    await expectShown(result, 'What changed lately could not be read', 'CLERK_UNAVAILABLE');
    await expectRecovery();
  }, 180_000);

  test('while the list fails, and the counts ask for a sweep, repairs what changed', async () => {
    // As if the last sweep were long ago.
    await service.db.$executeRaw`
      UPDATE reconcile_runs SET started_at = started_at - interval '1 hour', finished_at = finished_at - interval '1 hour'`;
    await applySnapshots(service.db, [answerOf('user_nobody', T0, T0)], 'reconcile');
    changeAtClerk();
    fail({ kind: 'status', status: 500 }, LIST);
    await reconcile(service, TICK);
    const result = await reconcile(service, TICK);
    expect(result).toMatchObject({ kind: 'delta' });
    await expectShown(result, "The sweep ended before it had read Clerk's list");
    expect(await liveIds(service)).toEqual([...clerkIds(service), 'user_nobody'].toSorted());
    await expectRecovery();
  });
});

describe('the first sweep of a large instance,', () => {
  beforeAll(async () => {
    service = await startTestService({
      ...OPTIONS,
      pageSize: 1,
      standIn: { seedUsers: 42, rateLimit: null },
    });
    await service.startWorker();
  });
  afterAll(() => service.stop());

  test('while Clerk cannot count by time, is read in one walk', async () => {
    fail({ kind: 'status', status: 500 }, `${COUNT}?created_at_before`);
    const result = await reconcile(service);
    expect(result).toMatchObject({ created: 42, windows: 1, clerkUsers: 42 });
    await expectShown(result, 'The sweep was not cut into windows');
  });
});

describe('a tick after which more had changed than could be read,', () => {
  /** Null: the real clock. */
  let clerkMs: number | null = null;
  beforeAll(async () => {
    service = await startTestService({
      ...OPTIONS,
      pageSize: 1,
      pagesPerRun: 25,
      tickShare: 0,
      standIn: { seedUsers: 45, rateLimit: null, now: () => clerkMs ?? Date.now() },
    });
    await service.startWorker();
    await reconcile(service);
  });
  afterAll(() => service.stop());

  test('while the list fails, is followed by one that reads the rest', async () => {
    await service.db.$executeRaw`
      UPDATE reconcile_runs SET started_at = started_at - interval '1 hour', finished_at = finished_at - interval '1 hour'`;
    clerkMs = Date.now() - 1_800_000;
    for (const id of clerkIds(service).slice(0, 40))
      service.standIn.users.updateUser(id, { first_name: 'Changed' });
    clerkMs = null;
    fail({ kind: 'status', status: 500 }, LIST);
    const result = await reconcile(service, TICK);
    expect(result).toMatchObject({ kind: 'delta', updated: 25 });
    await expectShown(result, 'More had changed lately than the 25 pages');
    service.standIn.settings.failures = [];
    await expect(reconcile(service, TICK)).resolves.toMatchObject({ updated: 15, problems: [] });
    expect(await differences(service)).toEqual([]);
    await expect(reconcile(service, TICK)).resolves.toMatchObject({ kind: 'delta', pages: 1 });
  });
});
