import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { connectDatabase } from '../../src/db/database.js';
import { SYNC_TASK_QUEUE } from '../../src/names.js';
import { pause, resume } from '../../src/workflows/reconcile-messages.js';
import { reconcileUsers } from '../../src/workflows/reconcile-users.js';
import {
  detailsOf,
  liveIds,
  type Reconcile,
  reconcile,
  recordedRuns,
  startReconcile,
  statusOf,
  untilFailedWith,
  untilPages,
} from '../support/reconciling.js';
import { startTestService, type TestService, type TestServiceOptions } from '../support/test-service.js';
import { waitUntil } from '../support/wait-until.js';

/** How Clerk is asked about candidates. */
const BY_ID = '/v1/users?limit=100&user_id';
const ONE_PAGE_A_TASK: TestServiceOptions = {
  pageSize: 4,
  pagesPerTask: 1,
  standIn: { seedUsers: 60, rateLimit: null },
};
let service: TestService;
beforeAll(async () => {
  service = await startTestService(ONE_PAGE_A_TASK);
  await service.startWorker();
  await reconcile(service);
});
afterAll(() => service.stop());
afterEach(() => {
  service.standIn.settings.latencyMs = 0;
});

const pagesAsked = () => service.standIn.stats.byRoute['GET /v1/users'] ?? 0;
const users = () => service.standIn.users.count();

/** Resolves once no page is asked for any more: twenty queries have been answered since the last one. */
async function untilQuiet(handle: Reconcile, count = pagesAsked): Promise<void> {
  let [asked, queries] = [-1, 0];
  await waitUntil(
    async () => {
      await statusOf(handle);
      queries = count() === asked ? queries + 1 : 0;
      asked = count();
      return queries >= 20;
    },
    { describe: 'no more requests' },
  );
}
const recordedStatus = async (handle: Reconcile) => (await recordedRuns(service, handle))[0]?.status;

/** Begins a sweep slow enough to be caught amid its pages. */
async function begin(pages: number): Promise<Reconcile> {
  service.standIn.settings.latencyMs = 50;
  const handle = await startReconcile(service);
  await untilPages(handle, pages);
  return handle;
}

/** @param parts how many of the windows are workflows of their own. */
function pausesAndCancels(windows: number, parts = 0): void {
  test('paused, it stops between two pages and says so; resumed, it reads every page once', async () => {
    const before = pagesAsked();
    const handle = await begin(3);
    await handle.signal(pause);
    await waitUntil(async () => (await statusOf(handle)).state === 'paused');
    expect(await detailsOf(handle)).toContain('**Paused**: the signal `resume` lets it go on.');
    await untilQuiet(handle);
    const askedWhilePaused = pagesAsked() - before;
    await handle.signal(resume);
    const result = await handle.result();
    expect(result).toMatchObject({ seen: users(), unchanged: users(), windows });
    expect(askedWhilePaused).toBeLessThan(result.pages);
    expect(pagesAsked() - before).toBe(result.pages);
    expect(await detailsOf(handle)).not.toContain('Paused');
  });

  test('paused before its first page, it reads none', async () => {
    const before = pagesAsked();
    service.standIn.settings.latencyMs = 50;
    const handle = await startReconcile(service);
    await handle.signal(pause);
    await waitUntil(async () => (await statusOf(handle)).state === 'paused');
    await untilQuiet(handle);
    expect(pagesAsked()).toBe(before);
    await handle.signal(resume);
    await expect(handle.result()).resolves.toMatchObject({ seen: users() });
  });

  test('cancelled, it says so in the table, leaves what it wrote, and its parts end with it', async () => {
    const before = await liveIds(service);
    const handle = await begin(3);
    await handle.cancel();
    await expect(handle.result()).rejects.toThrow();
    expect(await recordedStatus(handle)).toBe('cancelled');
    await partsEnd(handle);
    const asked = pagesAsked();
    await expect(reconcile(service)).resolves.toMatchObject({ seen: users() });
    expect(pagesAsked()).toBeGreaterThan(asked);
    expect(await liveIds(service)).toEqual(before);
  });

  test('cancelled while paused, it ends at once', async () => {
    const handle = await begin(2);
    await handle.signal(pause);
    await waitUntil(async () => (await statusOf(handle)).state === 'paused');
    await handle.cancel();
    await expect(handle.result()).rejects.toThrow();
    expect(await recordedStatus(handle)).toBe('cancelled');
    await partsEnd(handle);
  });

  async function partsEnd(handle: Reconcile): Promise<void> {
    const { runId } = await handle.describe();
    for (let number = 0; number < parts; number++) {
      const part = service.client.workflow.getHandle(`${handle.workflowId}/${runId}/window-${number}`);
      await waitUntil(async () => (await part.describe()).status.name !== 'RUNNING', {
        describe: `the end of window ${number}`,
      });
    }
  }
}

test('begun with a pause, a reconcile asks Clerk nothing before it is resumed', async () => {
  const asked = () => service.standIn.stats.total;
  const before = asked();
  const workflowId = 'reconcile-begun-with-a-pause';
  const handle = await service.client.workflow.signalWithStart(reconcileUsers, {
    workflowId,
    taskQueue: SYNC_TASK_QUEUE,
    args: [{ kind: 'sweep' }],
    signal: pause,
  });
  await waitUntil(async () => (await statusOf(handle)).state === 'paused');
  await untilQuiet(handle, asked);
  expect(asked()).toBe(before);
  await handle.signal(resume);
  await expect(handle.result()).resolves.toMatchObject({ seen: users() });
});

describe('a sweep in one walk', () => pausesAndCancels(1));

describe('a sweep in windows side by side', () => {
  beforeAll(async () => {
    for (let i = users(); i < 330; i++) {
      service.standIn.users.createUser({
        email_address: [`user${i}@example.com`],
        created_at: new Date(Date.UTC(2025, 0, 1 + i)).toISOString(),
      });
    }
    await expect(reconcile(service)).resolves.toMatchObject({ windows: 4 });
  });
  pausesAndCancels(4);
});

describe('a sweep in windows that are workflows', () => {
  const { standIn, ...common } = ONE_PAGE_A_TASK;
  let other: TestService;
  beforeAll(async () => {
    other = service;
    service = await startTestService({
      ...common,
      pagesPerRun: 10,
      standIn: { ...standIn, seedUsers: 330 },
    });
    await service.startWorker();
    await expect(reconcile(service)).resolves.toMatchObject({ windows: 4 });
  });
  afterAll(async () => {
    await service.stop();
    service = other;
  });
  pausesAndCancels(4, 4);
});

test('a sweep is paused between two requests about candidates, and between two steps of deletion', async () => {
  const [gone, askedAtOnce, deletedAtOnce] = [700, 98, 500];
  const many = await startTestService({
    // Each request about candidates is a task of its own.
    pagesPerTask: 1,
    standIn: { seedUsers: gone + 10, rateLimit: null },
  });
  const holder = connectDatabase({ url: many.database.url, poolSize: 1 });
  const unasked = () => many.db.deletionCandidate.count({ where: { goneAt: null } });
  const requests = () => many.standIn.stats.total;
  try {
    await many.startWorker();
    await reconcile(many);
    const ids = many.standIn.users.ids().slice(5, 5 + gone);
    for (const id of ids) many.standIn.users.deleteUser(id);
    const endOutage = many.standIn.failWith({ kind: 'status', status: 500, pathPrefix: BY_ID });
    const handle = await startReconcile(many, { kind: 'sweep', mostDeletions: gone });
    await untilFailedWith(handle, 'CLERK_UNAVAILABLE');
    await handle.signal(pause);
    endOutage();
    await waitUntil(async () => (await unasked()) < gone);
    await untilQuiet(handle, requests);
    expect(await unasked()).toBe(gone - askedAtOnce);
    expect(await liveIds(many)).toHaveLength(gone + 10);

    // The first step of deletion waits behind this lock until the pause was heard.
    await holder.$transaction(async (transaction) => {
      await transaction.$queryRaw`SELECT FROM users WHERE clerk_id = ${ids.toSorted()[0]} FOR UPDATE`;
      await handle.signal(resume);
      await waitUntil(async () => (await statusOf(handle)).state === 'deleting');
      await handle.signal(pause);
      await waitUntil(async () => (await detailsOf(handle)).includes('**Paused**'));
    });
    await waitUntil(async () => (await liveIds(many)).length === gone + 10 - deletedAtOnce);
    await untilQuiet(handle, requests);
    expect(await liveIds(many)).toHaveLength(gone + 10 - deletedAtOnce);
    await handle.signal(resume);
    await expect(handle.result()).resolves.toMatchObject({ deleted: gone });
  } finally {
    await holder.$disconnect();
    await many.stop();
  }
});

test.each([
  ['and would have more to read', { seedUsers: 70, written: 3 * 4 }],
  ['and would end with them', { seedUsers: 6, written: 6 }],
])(
  'cancelled while its first task reads pages, %s, it says so in the table, and goes on saying so',
  async (_, { seedUsers, written }) => {
    const begun = await startTestService({
      pageSize: 4,
      pagesPerTask: 4,
      standIn: { seedUsers, rateLimit: null },
    });
    try {
      await begun.startWorker();
      begun.standIn.settings.latencyMs = 300;
      const handle = await startReconcile(begun);
      await waitUntil(() => (begun.standIn.stats.byRoute['GET /v1/users'] ?? 0) > 0);
      await handle.cancel();
      await expect(handle.result()).rejects.toThrow();
      const statuses = async () => (await begun.db.reconcileRun.findMany()).map(({ status }) => status);
      expect(await statuses()).toEqual(['cancelled']);
      // It ends once that task has: its last page was written.
      await begun.stopWorker();
      expect(await begun.db.user.count()).toBe(written);
      expect(await statuses()).toEqual(['cancelled']);
    } finally {
      await begun.stop();
    }
  },
);

test('a delta is paused between two pages, too', async () => {
  const deltas = await startTestService({
    pageSize: 10,
    tickShare: 0,
    standIn: { seedUsers: 60, rateLimit: null },
  });
  try {
    await deltas.startWorker();
    await reconcile(deltas);
    for (const id of deltas.standIn.users.ids())
      deltas.standIn.users.updateUser(id, { first_name: 'Changed' });
    deltas.standIn.settings.latencyMs = 50;
    const handle = await startReconcile(deltas, { kind: 'auto' });
    await untilPages(handle, 2);
    await handle.signal(pause);
    await waitUntil(async () => (await detailsOf(handle)).includes('**Paused**'));
    expect(await detailsOf(handle)).toContain('**Delta**, paused');
    await handle.signal(resume);
    await expect(handle.result()).resolves.toMatchObject({ kind: 'delta', updated: 60 });
  } finally {
    await deltas.stop();
  }
});

test('paused while its windows are being started, none of them goes on beyond its first page', async () => {
  const windows = 16;
  const many = await startTestService({
    pageSize: 1,
    pagesPerRun: 10,
    standIn: { seedUsers: 330, rateLimit: null },
  });
  try {
    await many.startWorker();
    await reconcile(many);
    const asked = () => many.standIn.stats.byRoute['GET /v1/users'] ?? 0;
    const before = asked();
    // So slow that each page is a task of its own.
    many.standIn.settings.latencyMs = 2_100;
    const handle = await startReconcile(many);
    await waitUntil(async () => (await statusOf(handle)).state === 'reading');
    await handle.signal(pause);
    const { stats } = many.standIn;
    const answered = () => Object.values(stats.byStatus).reduce((sum, count) => sum + count, 0);
    await waitUntil(() => stats.total === answered(), { describe: 'the end of the pages under way' });
    await untilQuiet(handle, asked);
    expect(asked() - before).toBeLessThanOrEqual(windows);
    many.standIn.settings.latencyMs = 0;
    await handle.signal(resume);
    await expect(handle.result()).resolves.toMatchObject({ seen: 330, windows });
  } finally {
    await many.stop();
  }
});
