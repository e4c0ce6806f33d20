import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { CancelledFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import {
  type BegunDelta,
  type BegunSweep,
  beginReconcile,
  type ReconcileBeginning,
} from '../../src/activities/begin-reconcile.js';
import type { ActivityDependencies } from '../../src/activities/dependencies.js';
import { createClerkApi } from '../../src/clerk/clerk-api.js';
import { type StandIn, startStandIn } from '../../src/clerk-stand-in/start-stand-in.js';
import { connectDatabase } from '../../src/db/database.js';
import { activityDependencies } from '../support/activity-dependencies.js';
import { failAfter } from '../support/fail-after.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { waitUntil } from '../support/wait-until.js';

let database: TestDatabase;
let standIn: StandIn;
let deps: ActivityDependencies;
const activity = new MockActivityEnvironment();
beforeAll(async () => {
  database = await createTestDatabase();
  standIn = await startStandIn({ seedUsers: 3, rateLimit: null });
  deps = activityDependencies({
    db: connectDatabase({ url: database.url, poolSize: 2 }),
    clerk: createClerkApi({ secretKey: standIn.secretKey, apiUrl: standIn.url }),
  });
});
afterAll(async () => {
  await deps?.db.$disconnect();
  await standIn?.stop();
  await database?.drop();
});

const BEGINNING = { id: 'run', startedAtMs: Date.now(), plan: false, sweep: true };

test('it makes no more requests than one task may, the one that counts among them', async () => {
  const before = standIn.stats.total;
  const reconcile = { ...deps.reconcile, pageSize: 1, pagesPerTask: 3 };
  const begun = await activity.run(() => beginReconcile({ ...deps, reconcile }, BEGINNING));
  expect(begun).toMatchObject({ compared: { totals: { pages: 2 } } });
  const toKnowTheInstance = 1;
  expect(standIn.stats.total - before).toBe(3 + toKnowTheInstance);
});

describe('a reconcile with nothing left to do', () => {
  const begin = (
    beginning: Partial<ReconcileBeginning> = {},
    reconcile: Partial<ActivityDependencies['reconcile']> = {},
    attempt = activity,
  ): Promise<BegunDelta | BegunSweep> =>
    attempt.run(() =>
      beginReconcile(
        { ...deps, reconcile: { ...deps.reconcile, ...reconcile } },
        { ...BEGINNING, ...beginning },
      ),
    );
  /** Of a table that was swept lately, and is too large for a sweep at each tick. */
  const beginDelta = (
    id: string,
    reconcile: Partial<ActivityDependencies['reconcile']> = {},
    attempt = activity,
  ) => begin({ id, sweep: false }, { tickShare: 0, pageSize: 1, ...reconcile }, attempt);
  const recorded = () => deps.db.reconcileRun.findMany({ orderBy: { startedAt: 'asc' } });
  const failCountingAtTheEnd = () =>
    failAfter(standIn, 1, { kind: 'status', status: 500, pathPrefix: '/v1/users/count' });

  beforeEach(async () => {
    await deps.db.reconcileRun.deleteMany();
    await deps.db.user.deleteMany();
  });
  afterEach(() => {
    standIn.settings.failures = [];
  });

  test('has ended and is recorded: a sweep', async () => {
    const counts = { clerkUsers: 3, liveRows: 3 };
    await expect(begin()).resolves.toMatchObject({
      kind: 'sweep',
      counts: { clerkUsers: 3, liveRows: 0 },
      compared: { totals: { created: 3, clerkRequests: 1 }, next: null },
      ended: { counts, sweepIsDue: false, webhooks: 'ok' },
    });
    expect(await recorded()).toMatchObject([
      {
        id: 'run',
        kind: 'sweep',
        status: 'completed',
        windows: 1,
        created: 3,
        clerkRequests: 3,
        startedAt: new Date(BEGINNING.startedAtMs),
        ...counts,
      },
    ]);
  });

  test('has ended and is recorded: a delta', async () => {
    await begin();
    await expect(beginDelta('delta')).resolves.toMatchObject({
      kind: 'delta',
      ended: { counts: { clerkUsers: 3, liveRows: 3 }, sweepIsDue: false },
    });
    expect((await recorded()).at(-1)).toMatchObject({
      id: 'delta',
      kind: 'delta',
      status: 'completed',
      clerkRequests: 2,
    });
  });

  test('has not ended where a delta has more to read', async () => {
    await begin();
    await deps.db.user.deleteMany();
    const begun = await beginDelta('delta');
    expect(begun).toMatchObject({ kind: 'delta', page: { nextOffset: 1 } });
    expect(begun).not.toHaveProperty('ended');
    expect(await recorded()).toMatchObject([{ id: 'run' }]);
  });

  test('has not ended where the counts ask a delta for a sweep', async () => {
    const lost = standIn.users.createUser({ email_address: ['lost@example.com'] });
    await begin();
    standIn.users.deleteUser(lost.id);
    await deps.db.$executeRaw`
      UPDATE reconcile_runs SET started_at = started_at - interval '1 hour', finished_at = finished_at - interval '1 hour'`;
    const counts = { clerkUsers: 3, liveRows: 4 };
    await expect(beginDelta('first')).resolves.toMatchObject({
      ended: { counts, sweepIsDue: false },
    });
    await expect(beginDelta('second')).resolves.toMatchObject({
      kind: 'delta',
      ended: { counts, sweepIsDue: true },
    });
    expect(await recorded()).toMatchObject([{ id: 'run' }, { id: 'first' }]);
  });

  test('is ended by the next task where this one may make no further request', async () => {
    const begun = await begin({}, { pagesPerTask: 2 });
    expect(begun).toMatchObject({ compared: { next: null } });
    expect(begun).not.toHaveProperty('ended');
    expect(await recorded()).toMatchObject([{ status: 'running' }]);
    await deps.db.$executeRaw`UPDATE reconcile_runs SET status = 'completed', live_rows = 3, clerk_users = 3`;
    const delta = await beginDelta('delta', { pagesPerTask: 1 });
    expect(delta).toMatchObject({ kind: 'delta', page: { nextOffset: null } });
    expect(delta).not.toHaveProperty('ended');
  });

  test('is ended by the next task where this one fails to, and what it has read is kept', async () => {
    failCountingAtTheEnd();
    const begun = await begin();
    expect(begun).toMatchObject({ compared: { totals: { created: 3 }, next: null } });
    expect(begun).not.toHaveProperty('ended');
    expect(await recorded()).toMatchObject([{ status: 'running' }]);
    await deps.db.$executeRaw`UPDATE reconcile_runs SET status = 'completed', live_rows = 3, clerk_users = 3`;
    const delta = await beginDelta('delta');
    expect(delta).toMatchObject({ kind: 'delta', page: { nextOffset: null } });
    expect(delta).not.toHaveProperty('ended');
  });

  test('that only plans does not end here: who is gone is still to be asked', async () => {
    expect(await begin({ plan: true })).not.toHaveProperty('ended');
    expect(await recorded()).toEqual([]);
  });

  describe('lost after it was recorded', () => {
    const second = new MockActivityEnvironment({ attempt: 2 });

    test('answers what it had found, when it is tried again: a sweep, though somebody is gone by now', async () => {
      const leaving = standIn.users.createUser({ email_address: ['leaving@example.com'] });
      const first = await begin();
      standIn.users.deleteUser(leaving.id);
      const requests = standIn.stats.total;
      const again = await begin({}, {}, second);
      expect(standIn.stats.total).toBe(requests);
      expect(again).toMatchObject({
        kind: 'sweep',
        compared: { totals: { created: 4, clerkRequests: 1 }, next: null, hasCandidates: false },
        ended: first.ended,
      });
      expect(await recorded()).toMatchObject([{ created: 4, unchanged: 0, clerkRequests: 3 }]);
    });

    test('still tells of rows that an operator keeps', async () => {
      const gone = standIn.users.createUser({ email_address: ['kept@example.com'] });
      await begin({ id: 'before', startedAtMs: Date.now() - 3_600_000 });
      standIn.users.deleteUser(gone.id);
      const now = new Date();
      await deps.db.deletionCandidate.create({
        data: { clerkId: gone.id, runId: 'before', foundAt: now, goneAt: now, rejectedAt: now },
      });
      const first = await begin();
      expect(first.ended?.counts).toMatchObject({ clerkUsers: 3, liveRows: 4, keptRows: 1 });
      expect(await begin({}, {}, second)).toMatchObject({ ended: first.ended });
    });

    test('answers what it had found, when it is tried again: a delta, whose counts differ for the first time', async () => {
      const lost = standIn.users.createUser({ email_address: ['lost@example.com'] });
      await begin({ id: 'before', startedAtMs: Date.now() - 3_600_000 });
      await deps.db.$executeRaw`UPDATE reconcile_runs SET finished_at = started_at`;
      standIn.users.deleteUser(lost.id);
      const first = await beginDelta('delta');
      const again = await beginDelta('delta', {}, second);
      expect(first).toMatchObject({ ended: { sweepIsDue: false, counts: { clerkUsers: 3, liveRows: 4 } } });
      expect(again).toMatchObject({
        kind: 'delta',
        page: { ...(first.kind === 'delta' && first.page) },
        ended: first.ended,
      });
      expect(await recorded()).toMatchObject([{ id: 'before' }, { id: 'delta', clerkRequests: 2 }]);
    });

    test('is begun afresh where it had not come to its end', async () => {
      failCountingAtTheEnd();
      await begin();
      standIn.settings.failures = [];
      await expect(begin({}, {}, second)).resolves.toMatchObject({
        compared: { totals: { unchanged: 3 } },
        ended: { sweepIsDue: false },
      });
    });
  });

  test('is not recorded once it was cancelled', async () => {
    standIn.failWith({ kind: 'slow', latencyMs: 600_000, pathPrefix: '/v1/users?order_by' });
    const cancelled = new MockActivityEnvironment();
    const before = standIn.stats.byRoute['GET /v1/users'] ?? 0;
    const work = cancelled.run(() => beginReconcile(deps, BEGINNING));
    await waitUntil(() => (standIn.stats.byRoute['GET /v1/users'] ?? 0) > before, {
      describe: 'the first page being read',
    });
    cancelled.cancel('CANCELLED');
    await expect(work).rejects.toThrow(CancelledFailure);
    expect(await recorded()).toEqual([]);
  });
});
