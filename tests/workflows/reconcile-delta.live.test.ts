import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { failAfter } from '../support/fail-after.js';
import { differences, liveIds, reconcile, writesToUsers } from '../support/reconciling.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { waitUntil } from '../support/wait-until.js';

const USERS = 200;
const PAGE_SIZE = 20;
let service: TestService;
/** Null: the real clock. */
let stoppedAtMs: number | null = null;

/** A table too large for a sweep at each tick; the first tick has swept it. */
beforeEach(async () => {
  stoppedAtMs = null;
  service = await startTestService({
    pageSize: PAGE_SIZE,
    tickShare: 0,
    standIn: { seedUsers: USERS, rateLimit: null, now: () => stoppedAtMs ?? Date.now() },
  });
  await service.startWorker();
  await expect(tick()).resolves.toMatchObject({ kind: 'sweep', created: USERS });
  await restSince('1 hour');
});
afterEach(() => service.stop());

const tick = () => reconcile(service, { kind: 'auto' });
const ids = () => service.standIn.users.ids();

/** Moves what happened so far into the past, so that nothing has to be waited for. */
const restSince = (interval: string) =>
  service.db.$executeRawUnsafe(`
  UPDATE reconcile_runs SET started_at = started_at - interval '${interval}', finished_at = finished_at - interval '${interval}'`);

function change(count: number, firstName: string): string[] {
  const changed = ids().slice(0, count);
  for (const id of changed) service.standIn.users.updateUser(id, { first_name: firstName });
  return changed;
}

test('with nothing new it costs two requests and writes no user', async () => {
  const writes = await writesToUsers(service);
  const requests = service.standIn.stats.total;
  const result = await tick();
  expect(result).toMatchObject({ kind: 'delta', pages: 1, clerkRequests: 2, updated: 0, created: 0 });
  expect(service.standIn.stats.total - requests).toBe(2);
  expect(await writesToUsers(service)).toEqual(writes);
  expect(await service.db.reconcileRun.findFirst({ orderBy: { startedAt: 'desc' } })).toMatchObject({
    kind: 'delta',
    status: 'completed',
    clerkUsers: USERS,
    liveRows: USERS,
  });
});

test('changed and new users are repaired, over several pages', async () => {
  change(30, 'Changed');
  for (let i = 0; i < 5; i++) service.standIn.users.createUser({ email_address: [`new${i}@example.com`] });
  await expect(tick()).resolves.toMatchObject({ kind: 'delta', updated: 30, created: 5, failed: 0 });
  expect(await differences(service)).toEqual([]);
  await expect(tick()).resolves.toMatchObject({ kind: 'delta', updated: 0, created: 0 });
});

test.each([1, 2, 3])('page %i cut short by Clerk is not taken for the last', async (page) => {
  const changed = change(30, 'Changed');
  const newestFirst = service.standIn.users.list(`limit=${USERS}&order_by=-updated_at`);
  const [from, length] = page === 1 ? [0, 10] : [5 + (page - 2) * (PAGE_SIZE - 5), PAGE_SIZE];
  failAfter(service.standIn, page - 1, {
    kind: 'status',
    status: 200,
    body: newestFirst.slice(from, from + length).slice(0, 3),
    pathPrefix: '/v1/users?order_by',
    times: 1,
  });
  await expect(tick()).resolves.toMatchObject({ kind: 'delta', updated: changed.length });
  expect(await differences(service)).toEqual([]);
});

test('users whose changes bear the same millisecond are found on every page', async () => {
  stoppedAtMs = Date.now();
  change(57, 'All at once');
  const versions = ids().map((id) => service.standIn.users.get(id).updated_at);
  expect(versions.filter((ms) => ms === stoppedAtMs)).toHaveLength(57);
  await expect(tick()).resolves.toMatchObject({ kind: 'delta', updated: 57 });
  expect(await differences(service)).toEqual([]);
});

test('users who go between two pages hide nobody who stands behind them', async () => {
  change(40, 'Changed');
  const newest = service.standIn.users.list('limit=3&order_by=-updated_at').map(({ id }) => id);
  service.standIn.failWith({
    kind: 'status',
    status: 429,
    headers: { 'retry-after': '1' },
    pathPrefix: `/v1/users?order_by=-updated_at&limit=${PAGE_SIZE}&offset=`,
    times: 1,
  });
  const running = tick();
  // The first page is read, the second refused for now.
  await waitUntil(() => service.standIn.stats.byStatus[429], { describe: 'the second page' });
  for (const id of newest) service.standIn.users.deleteUser(id);
  await expect(running).resolves.toMatchObject({ kind: 'delta', updated: 40 });
  expect((await differences(service)).sort()).toEqual(newest.map((id) => `${id} is left over`).sort());
});

test('of more pages than a sweep is worth, it becomes a sweep, and finds who is gone too', async () => {
  // Twenty pages show 300 users, so there have to be more.
  for (let i = 0; i < 150; i++) service.standIn.users.createUser({ email_address: [`n${i}@example.com`] });
  change(USERS, 'Changed');
  const [gone = ''] = ids();
  service.standIn.users.deleteUser(gone);
  await expect(tick()).resolves.toMatchObject({ kind: 'sweep', deleted: 1, failed: 0 });
  expect(await differences(service)).toEqual([]);
});

describe('counts that differ', () => {
  test('on two ticks in a row become a sweep, which finds the lost deletion', async () => {
    const [gone = ''] = ids();
    service.standIn.users.deleteUser(gone);
    await expect(tick()).resolves.toMatchObject({ kind: 'delta', deleted: 0, liveRows: USERS });
    await expect(tick()).resolves.toMatchObject({ kind: 'sweep', deleted: 1 });
    await restSince('1 hour');
    await expect(tick()).resolves.toMatchObject({ kind: 'delta' });
  });

  test('on one tick only do not: the event was on its way', async () => {
    const [gone = ''] = ids();
    service.standIn.users.deleteUser(gone);
    await expect(tick()).resolves.toMatchObject({ kind: 'delta' });
    await service.db.user.update({ where: { clerkId: gone }, data: { deletedAt: new Date() } });
    await expect(tick()).resolves.toMatchObject({ kind: 'delta' });
    await expect(tick()).resolves.toMatchObject({ kind: 'delta' });
  });

  test('because rows are missing become a sweep too', async () => {
    await service.db.user.deleteMany({ where: { clerkId: { in: ids().slice(0, 3) } } });
    await expect(tick()).resolves.toMatchObject({ kind: 'delta', created: 0 });
    await expect(tick()).resolves.toMatchObject({ kind: 'sweep', created: 3 });
  });

  test('although a sweep has just been do not start another, for Postgres refuses a row', async () => {
    await service.db.$executeRaw`ALTER TABLE users ADD CONSTRAINT own CHECK (last_name <> 'Refused')`;
    service.standIn.users.createUser({ last_name: 'Refused', email_address: ['refused@example.com'] });
    await expect(tick()).resolves.toMatchObject({ kind: 'delta', failed: 1 });
    await expect(tick()).resolves.toMatchObject({ kind: 'sweep', created: 0 });
    for (let ticks = 0; ticks < 3; ticks++) {
      await restSince('10 minutes');
      await expect(tick()).resolves.toMatchObject({ kind: 'delta', clerkUsers: USERS + 1, liveRows: USERS });
    }
    // A loss beside it is one that no sweep has left.
    const [gone = ''] = await liveIds(service);
    await service.db.user.delete({ where: { clerkId: gone } });
    await expect(tick()).resolves.toMatchObject({ kind: 'delta' });
    await expect(tick()).resolves.toMatchObject({ kind: 'sweep', created: 1 });
  });

  test('do not start one while the sweep before has hardly ended', async () => {
    await service.db.$executeRaw`
      UPDATE reconcile_runs SET started_at = now() - interval '10 minutes', finished_at = now() WHERE kind = 'sweep'`;
    const [gone = ''] = ids();
    service.standIn.users.deleteUser(gone);
    for (let ticks = 0; ticks < 3; ticks++) await expect(tick()).resolves.toMatchObject({ kind: 'delta' });
    await restSince('1 hour');
    await expect(tick()).resolves.toMatchObject({ kind: 'sweep', deleted: 1 });
  });
});
