import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { StandInSettings } from '../../src/clerk-stand-in/stand-in-settings.js';
import {
  clerkIds,
  differences,
  liveIds,
  reconcile,
  startReconcile,
  untilFailedWith,
  wronglyDeleted,
} from '../support/reconciling.js';
import { startTestService, type TestService } from '../support/test-service.js';

const PAGE_SIZE = 10;
const USERS = 300;
const PAGES = '/v1/users?order_by';
let service: TestService;

beforeAll(async () => {
  service = await startTestService({
    pageSize: PAGE_SIZE,
    pagesPerTask: 1,
    // Each test has some users leave; together they are more than may go in a day.
    mostDeletedShare: 1,
    standIn: { seedUsers: USERS, rateLimit: null },
  });
  await service.startWorker();
  await reconcile(service);
});
afterAll(() => service.stop());
afterEach(() => {
  service.standIn.settings.failures = [];
  service.standIn.settings.deletedCursor = 'not_found';
});

/** The users of a page, in order of creation. */
const pageOf = (page: number) =>
  service.standIn.users.list(`limit=${PAGE_SIZE}&offset=${(page - 1) * PAGE_SIZE}&order_by=%2Bcreated_at`);
const clerkIdsInOrder = () =>
  service.standIn.users.list(`limit=${USERS}&order_by=%2Bcreated_at`).map(({ id }) => id);
/** Lets so many pages through. */
const letThrough = (pages: number) =>
  service.standIn.failWith({ kind: 'slow', latencyMs: 0, pathPrefix: PAGES, times: pages });
const cutShort = (users: number, page: number, times?: number) =>
  service.standIn.failWith({
    kind: 'status',
    status: 200,
    body: pageOf(page).slice(0, users),
    pathPrefix: PAGES,
    ...(times === undefined ? {} : { times }),
  });

describe('a page cut short', () => {
  test('is continued where it broke off, and deletes nobody', async () => {
    const before = await liveIds(service);
    letThrough(4);
    cutShort(3, 5, 1);
    const changed = pageOf(20)[0]?.id ?? '';
    service.standIn.users.updateUser(changed, { first_name: 'Behind the cut' });
    await expect(reconcile(service)).resolves.toMatchObject({
      seen: clerkIds(service).length,
      updated: 1,
      deleted: 0,
      withheld: 0,
    });
    expect(await liveIds(service)).toEqual(before);
    expect(await service.db.deletionCandidate.count()).toBe(0);
  });

  test('to nothing is asked for again, and deletes nobody', async () => {
    const before = await liveIds(service);
    letThrough(4);
    service.standIn.failWith({ kind: 'empty-list', pathPrefix: PAGES, times: 2 });
    const result = await reconcile(service);
    expect(result).toMatchObject({ deleted: 0, withheld: 0 });
    expect(result.seen).toBeGreaterThanOrEqual(clerkIds(service).length);
    expect(await liveIds(service)).toEqual(before);
  });

  test('that comes again and again is no answer: the sweep waits until Clerk goes on', async () => {
    const before = await liveIds(service);
    letThrough(4);
    // The same three users, whatever the cursor says.
    cutShort(3, 5);
    const handle = await startReconcile(service);
    await untilFailedWith(handle, 'CLERK_ANSWER_UNUSABLE');
    service.standIn.settings.failures = [];
    await expect(handle.result()).resolves.toMatchObject({
      seen: clerkIds(service).length,
      deleted: 0,
      withheld: 0,
    });
    expect(await liveIds(service)).toEqual(before);
    expect(await service.db.deletionCandidate.count()).toBe(0);
  });

  test('near the end deletes nobody either: those behind it are asked for by id', async () => {
    const before = await liveIds(service);
    letThrough(27);
    cutShort(3, 28, 1);
    await expect(reconcile(service)).resolves.toMatchObject({ deleted: 0, withheld: 0, seen: 273 });
    expect(await liveIds(service)).toEqual(before);
    expect(await service.db.deletionCandidate.count()).toBe(0);
  });
});

describe('the user on whom the cursor stands was deleted, and Clerk answers', () => {
  const settings: StandInSettings['deletedCursor'][] = [
    'not_found',
    'unprocessable',
    'empty',
    'from_start',
    'continue',
  ];

  const cases = [
    ...settings.flatMap((setting) => [1, 3].map((deleted) => [setting, deleted] as const)),
    ['not_found', 5] as const,
    ['empty', 5] as const,
  ];

  test.each(cases)(
    '%s, with %i gone up to the cursor: a sweep later nothing differs, and nobody else was deleted',
    async (deletedCursor, deleted) => {
      service.standIn.settings.deletedCursor = deletedCursor;
      const behind = pageOf(20)[0]?.id ?? '';
      service.standIn.users.updateUser(behind, { first_name: `${deletedCursor} ${deleted}` });
      const gone = pageOf(4)
        .slice(-deleted)
        .map(({ id }) => id);
      letThrough(4);
      service.standIn.failWith({ kind: 'status', status: 500, pathPrefix: PAGES });
      const handle = await startReconcile(service);
      await untilFailedWith(handle, 'CLERK_UNAVAILABLE');
      for (const id of gone) service.standIn.users.deleteUser(id);
      service.standIn.settings.failures = [];
      await expect(handle.result()).resolves.toMatchObject({ updated: 1, withheld: 0, failed: 0 });
      await reconcile(service);
      expect(await differences(service)).toEqual([]);
      expect(await wronglyDeleted(service)).toEqual([]);
      expect(await service.db.deletionCandidate.count()).toBe(0);
    },
  );
});

test('the newest half of all users is gone, and no webhook said so: the sweep ends, asks about each once, and deletes nobody else', async () => {
  const newest = clerkIdsInOrder().slice(-150);
  for (const id of newest) service.standIn.users.deleteUser(id);
  const left = clerkIds(service).length;
  const result = await reconcile(service);
  expect(result).toMatchObject({ withheld: 0, deleted: 150, unasked: 0, problems: [] });
  // Counting twice, its pages, the doubtful end, and two questions.
  expect(result.clerkRequests).toBeLessThanOrEqual(2 + Math.ceil(left / PAGE_SIZE) + 3 + 2);
  expect(await differences(service)).toEqual([]);
  expect(await wronglyDeleted(service)).toEqual([]);
  await expect(reconcile(service)).resolves.toMatchObject({ deleted: 0, seen: left });
});
