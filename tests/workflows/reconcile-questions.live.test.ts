import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { InjectedFailure } from '../../src/clerk-stand-in/stand-in-settings.js';
import { exitCodeOf } from '../../src/cli/reconcile-report.js';
import { readStatus } from '../../src/db/read-status.js';
import { readSyncReadings } from '../../src/db/read-sync-readings.js';
import {
  activitiesOf,
  detailsOf,
  differences,
  liveIds,
  reconcile,
  startReconcile,
} from '../support/reconciling.js';
import { startTestService, type TestService } from '../support/test-service.js';

const ASKING = '/v1/users?limit=100&user_id';
let service: TestService;

beforeAll(async () => {
  service = await startTestService({
    pageSize: 10,
    clerkTimeoutMs: 2_000,
    standIn: { seedUsers: 45, rateLimit: null },
  });
  await service.startWorker();
});
beforeEach(async () => {
  await service.db.deletionCandidate.deleteMany();
  await reconcile(service);
});
afterEach(() => {
  service.standIn.settings.failures = [];
});
afterAll(() => service.stop());

let made = 0;
/** One user leaves, one is changed and one comes, and no webhook says so. */
function changeAtClerk(): { gone: string; changed: string; created: string } {
  const { users } = service.standIn;
  made += 1;
  const [gone = '', changed = ''] = users.ids();
  users.deleteUser(gone);
  users.updateUser(changed, { first_name: `Changed ${made}` });
  const created = users.createUser({ email_address: [`created${made}@example.com`] }).id;
  return { gone, changed, created };
}

describe('while Clerk fails over the question about rows that it did not list', () => {
  const failures: [string, InjectedFailure, string][] = [
    ['422', { kind: 'status', status: 422 }, 'CLERK_REQUEST_REFUSED'],
    ['500', { kind: 'status', status: 500 }, 'CLERK_UNAVAILABLE'],
    ['401', { kind: 'status', status: 401 }, 'CLERK_KEY_REFUSED'],
    ['429', { kind: 'status', status: 429, headers: { 'retry-after': '1' } }, 'CLERK_RATE_LIMITED'],
    ['nothing', { kind: 'slow', latencyMs: 600_000 }, 'CLERK_UNAVAILABLE'],
    ['half a body', { kind: 'broken-json' }, 'CLERK_ANSWER_UNUSABLE'],
    ['other users', { kind: 'status', status: 200, body: [] }, 'did not show a user whom it had just listed'],
  ];
  test.each(failures)(
    'with %s, users are created and updated, and only the deletion waits, and is shown',
    async (_, failure, why) => {
      const { gone } = changeAtClerk();
      service.standIn.failWith({ ...failure, pathPrefix: ASKING });
      const handle = await startReconcile(service);
      const result = await handle.result();
      expect(result).toMatchObject({ created: 1, updated: 1, deleted: 0, withheld: 0, unasked: 1 });
      expect(result.summary).toContain(why);
      expect(result.summary).toContain('1 deletions wait for the next sweep');
      expect(await detailsOf(handle)).toContain(why);
      expect(await liveIds(service)).toContain(gone);
      await expect(readStatus(service.db, Date.now())).resolves.toMatchObject({
        lastSweep: { unasked: 1, problems: [expect.stringContaining(why)] },
      });
      await expect(readSyncReadings(service.db)).resolves.toMatchObject({ deletionsUnasked: 1 });

      service.standIn.settings.failures = [];
      await expect(reconcile(service)).resolves.toMatchObject({ deleted: 1, unasked: 0, problems: [] });
      expect(await differences(service)).toEqual([]);
      await expect(readSyncReadings(service.db)).resolves.toMatchObject({ deletionsUnasked: 0 });
    },
  );

  test('a plan ends as well, and says about how many rows nothing is known', async () => {
    changeAtClerk();
    service.standIn.failWith({ kind: 'status', status: 422, pathPrefix: ASKING });
    const plan = await reconcile(service, { kind: 'sweep', mode: 'plan' });
    expect(plan).toMatchObject({ created: 1, updated: 1, deleted: 0, unasked: 1 });
    expect(plan.summary).toContain('CLERK_REQUEST_REFUSED');
  });

  test('those who were found gone before wait with the others where together they are too many', async () => {
    const ids = service.standIn.users.ids().slice(0, 11);
    for (const id of ids) service.standIn.users.deleteUser(id);
    const [known = ''] = ids;
    await service.db.deletionCandidate.create({
      data: { clerkId: known, runId: 'earlier', foundAt: new Date(), goneAt: new Date(Date.now() + 1_000) },
    });
    service.standIn.failWith({ kind: 'status', status: 500, pathPrefix: ASKING });
    const result = await reconcile(service);
    expect(result).toMatchObject({ deleted: 0, withheld: 0, unasked: 10 });
    expect(result.summary).toContain('1 others wait with them');
    service.standIn.settings.failures = [];
    await expect(reconcile(service, { kind: 'sweep', mostDeletions: 11 })).resolves.toMatchObject({
      deleted: 11,
    });
  });
});

describe("rows whose id is none of Clerk's", () => {
  const FOREIGN = [
    '+user_29w83sxmDNGwOuEthce5gg56FcC',
    '-user_29w83sxmDNGwOuEthce5gg56FcC',
    'admin',
    'user_a b',
  ];
  beforeEach(async () => {
    for (const clerkId of FOREIGN)
      await service.db.$executeRaw`
        INSERT INTO users (clerk_id, clerk_created_at, clerk_updated_at, observed_at, observed_via, content_hash, synced_at, synced_by, last_outcome)
        VALUES (${clerkId}, '2024-01-01', '2020-01-01', '2020-01-01', 'api', '', now(), 'operator', 'created')`;
  });
  afterEach(() => service.db.user.deleteMany({ where: { clerkId: { in: FOREIGN } } }));

  test('are asked about by nobody and stay, are told, and keep no other row from being deleted', async () => {
    const { gone } = changeAtClerk();
    const foreignRows = FOREIGN.length;
    await expect(reconcile(service)).resolves.toMatchObject({
      deleted: 1,
      unasked: 0,
      problems: [],
      foreignRows,
    });
    const plan = await reconcile(service, { kind: 'sweep', mode: 'plan' });
    expect(exitCodeOf({ asked: 'validate', result: plan })).toBe(0);
    const live = await liveIds(service);
    expect(live).toEqual(expect.arrayContaining(FOREIGN));
    expect(live).not.toContain(gone);
    await expect(readStatus(service.db, Date.now())).resolves.toMatchObject({ foreignRows });
  });

  test('cost no question and no task', async () => {
    await reconcile(service);
    const handle = await startReconcile(service);
    const { clerkRequests, pages } = await handle.result();
    expect(clerkRequests).toBe(pages + 2);
    expect(await activitiesOf(handle)).toEqual(['beginReconcile']);
  });
});

test('a row that an operator keeps costs sweeps no question and no task, and a number still deletes it', async () => {
  const { gone } = changeAtClerk();
  await service.db.deletionCandidate.create({
    data: {
      clerkId: gone,
      runId: 'earlier',
      foundAt: new Date(),
      goneAt: new Date(Date.now() + 1_000),
      rejectedAt: new Date(),
    },
  });
  await reconcile(service);
  const handle = await startReconcile(service);
  const { clerkRequests, pages, deleted } = await handle.result();
  expect({ clerkRequests, deleted }).toEqual({ clerkRequests: pages + 2, deleted: 0 });
  expect(await activitiesOf(handle)).toEqual(['beginReconcile']);
  await expect(reconcile(service, { kind: 'sweep', mostDeletions: 1 })).resolves.toMatchObject({
    deleted: 1,
  });
});
