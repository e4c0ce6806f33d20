import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { findWindowBounds } from '../../src/db/find-window-bounds.js';
import {
  clerkIds,
  differences,
  reconcile,
  startReconcile,
  statusOf,
  writesToUsers,
  wronglyDeleted,
} from '../support/reconciling.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { waitUntil } from '../support/wait-until.js';

const PAGE_SIZE = 5;
const SEEDED = 200;
const IMPORTED = 100;
/** Twenty pages make a window. */
const WINDOWS = 3;
const IMPORTED_AT = '2024-01-01T00:00:00.000Z';
let service: TestService;
let signUps = 0;

beforeAll(async () => {
  service = await startTestService({
    pageSize: PAGE_SIZE,
    pagesPerRun: 10,
    standIn: { seedUsers: SEEDED, rateLimit: null },
  });
  for (let i = 0; i < IMPORTED; i++) signUp(Date.parse(IMPORTED_AT));
  await service.startWorker();
});
afterAll(() => service.stop());
afterEach(() => {
  service.standIn.settings.latencyMs = 0;
});

function signUp(createdAtMs?: number): string {
  return service.standIn.users.createUser({
    email_address: [`user${++signUps}@example.com`],
    ...(createdAtMs === undefined ? {} : { created_at: new Date(createdAtMs).toISOString() }),
  }).id;
}
const requests = (route: string) => service.standIn.stats.byRoute[`GET /v1/${route}`] ?? 0;

test('the first sweep asks Clerk where to cut, and creates everybody, an import within one millisecond too', async () => {
  const handle = await startReconcile(service);
  const { firstExecutionRunId = '' } = await service.client.workflow
    .getHandle(handle.workflowId)
    .describe()
    .then(({ raw }) => ({ firstExecutionRunId: raw.workflowExecutionInfo?.execution?.runId ?? '' }));
  const result = await handle.result();
  expect(result).toMatchObject({
    kind: 'sweep',
    windows: WINDOWS,
    seen: SEEDED + IMPORTED,
    created: SEEDED + IMPORTED,
    deleted: 0,
    failed: 0,
    clerkUsers: SEEDED + IMPORTED,
    liveRows: SEEDED + IMPORTED,
  });
  expect(await differences(service)).toEqual([]);
  expect(requests('users')).toBe(result.pages);
  // Two counts of all, at the beginning and the end; the others looked for the cuts.
  expect(requests('users/count')).toBeGreaterThan(2);
  expect(result.clerkRequests).toBe(requests('users') + requests('users/count'));
  for (let number = 0; number < WINDOWS; number++) {
    const window = service.client.workflow.getHandle(
      `${handle.workflowId}/${firstExecutionRunId}/window-${number}`,
    );
    expect((await window.describe()).status.name).toBe('COMPLETED');
  }
});

test('the next finds its cuts in the table, and nothing to do', async () => {
  const writes = await writesToUsers(service);
  const counted = requests('users/count');
  await expect(reconcile(service)).resolves.toMatchObject({
    windows: WINDOWS,
    seen: SEEDED + IMPORTED,
    unchanged: SEEDED + IMPORTED,
    created: 0,
    updated: 0,
    deleted: 0,
  });
  expect(await writesToUsers(service)).toEqual(writes);
  expect(requests('users/count') - counted).toBe(2);
});

test('users created just before, exactly at and just after a cut are all found, and none is missed', async () => {
  const bounds = await findWindowBounds(service.db, WINDOWS);
  expect(bounds).toHaveLength(WINDOWS - 1);
  const added = bounds.flatMap((ms) => [ms - 1, ms, ms, ms + 1].map(signUp));
  await expect(reconcile(service)).resolves.toMatchObject({
    windows: WINDOWS,
    created: added.length,
    seen: clerkIds(service).length,
    deleted: 0,
    withheld: 0,
  });
  expect(await differences(service)).toEqual([]);
  expect(await service.db.deletionCandidate.count()).toBe(0);
});

test('drift is repaired in every window: lost creations, updates and deletions, and rows of nobody', async () => {
  const [firstMs = 0] = await findWindowBounds(service.db, WINDOWS);
  const ids = service.standIn.users.ids();
  const spread = (from: number) =>
    [0.1, 0.5, 0.9].map((share) => ids[Math.floor(share * ids.length) + from] ?? '');
  await service.db.user.deleteMany({ where: { clerkId: { in: spread(0) } } });
  for (const id of spread(1)) service.standIn.users.updateUser(id, { last_name: 'Changed' });
  for (const id of spread(2)) service.standIn.users.deleteUser(id);
  for (const [n, createdAt] of [new Date(0), new Date(firstMs), new Date()].entries()) {
    await service.db.$executeRaw`
      INSERT INTO users (clerk_id, clerk_created_at, clerk_updated_at, observed_at, observed_via, content_hash, synced_at, synced_by, last_outcome)
      VALUES (${`user_29w83sxmDNGwOuEthce5gg56FcC${n}`}, ${createdAt}, '2015-01-01', '2015-01-01', 'webhook', '', now(), 'webhook', 'created')`;
  }
  await expect(reconcile(service)).resolves.toMatchObject({
    windows: WINDOWS,
    created: 3,
    updated: 3,
    deleted: 6,
    withheld: 0,
  });
  expect(await differences(service)).toEqual([]);
  expect(await wronglyDeleted(service)).toEqual([]);
  expect(await service.db.deletionCandidate.count()).toBe(0);
});

test('users come, change and go at Clerk meanwhile: one more sweep later nothing differs, and nobody alive was ever deleted', async () => {
  const everybody = { kind: 'sweep', mostDeletions: 1_000 } as const;
  // An answer is of the moment before this, so that changes fall between a page and what is made of it.
  service.standIn.settings.latencyMs = 5;
  const handle = await startReconcile(service, everybody);
  let ended = false;
  const result = handle.result().finally(() => {
    ended = true;
  });
  let changes = 0;
  while (!ended) {
    const ids = service.standIn.users.ids();
    const at = (share: number) => ids[Math.floor(((changes * share) % 1) * ids.length)] ?? '';
    signUp(changes % 2 === 0 ? undefined : Date.parse(IMPORTED_AT) + (changes % 5) - 2);
    service.standIn.users.updateUser(at(0.618), { first_name: `Name ${changes}` });
    service.standIn.users.deleteUser(at(0.414));
    changes += 1;
    const before = service.standIn.stats.total;
    await waitUntil(() => ended || service.standIn.stats.total > before);
  }
  expect(await result).toMatchObject({ withheld: 0, failed: 0 });
  expect(changes).toBeGreaterThan(20);
  service.standIn.settings.latencyMs = 0;
  await reconcile(service, everybody);
  expect(await differences(service)).toEqual([]);
  expect(await wronglyDeleted(service)).toEqual([]);
  expect(await service.db.deletionCandidate.count()).toBe(0);
});

test('the status tells how far all windows are', async () => {
  service.standIn.settings.latencyMs = 20;
  const handle = await startReconcile(service);
  const users = clerkIds(service).length;
  const midway = await waitUntil(async () => {
    const status = await statusOf(handle);
    return status.state === 'reading' && status.totals.pages > 0 && status;
  });
  expect(midway).toMatchObject({
    kind: 'sweep',
    mode: 'apply',
    clerkUsers: users,
    expectedPages: Math.ceil(users / PAGE_SIZE),
  });
  const result = await handle.result();
  expect(await statusOf(handle)).toMatchObject({
    state: 'done',
    totals: { seen: result.seen, pages: result.pages },
  });
});

test.each([
  ['within one run', {}],
  ['as workflows', { pagesPerRun: 10 }],
])('a user gone from the window that ends last is asked about, windows being read %s', async (_, options) => {
  const other = await startTestService({
    pageSize: 1,
    standIn: { seedUsers: 44, rateLimit: null },
    ...options,
  });
  try {
    await other.startWorker();
    await expect(reconcile(other)).resolves.toMatchObject({ windows: 2 });
    const newest = other.standIn.users.list('limit=1&order_by=-created_at')[0]?.id ?? '';
    other.standIn.users.deleteUser(newest);
    // The second window's first answer comes when the first window has ended without candidates.
    const pathPrefix = '/v1/users?order_by=%2Bcreated_at&limit=1&created_at_after';
    other.standIn.failWith({ kind: 'slow', latencyMs: 3_000, pathPrefix, times: 1 });
    await expect(reconcile(other)).resolves.toMatchObject({ windows: 2, deleted: 1 });
    expect(await differences(other)).toEqual([]);
  } finally {
    await other.stop();
  }
});
