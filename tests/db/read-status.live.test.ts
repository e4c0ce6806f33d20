import { beforeEach, expect, test } from '@jest/globals';
import { applySnapshots } from '../../src/db/apply-snapshots.js';
import { connectDatabase } from '../../src/db/database.js';
import { readStatus } from '../../src/db/read-status.js';
import { connectedDatabase } from '../support/connected-database.js';
import { changeRow, MINUTE_MS, runRow } from './log-rows.js';
import { snapshotOf, T0 } from './snapshot-of.js';

const NOW_MS = T0;
const ago = (minutes: number) => NOW_MS - minutes * MINUTE_MS;

const own = connectedDatabase();
beforeEach(async () => {
  await Promise.all([
    own.db.user.deleteMany(),
    own.db.userChange.deleteMany(),
    own.db.reconcileRun.deleteMany(),
    own.db.syncFailure.deleteMany(),
    own.db.deletionCandidate.deleteMany(),
    own.db.userTombstone.deleteMany(),
    own.db.syncedInstance.deleteMany(),
  ]);
});

const users = (...ids: string[]) =>
  applySnapshots(
    own.db,
    ids.map((id) => snapshotOf(id, T0)),
    'reconcile',
  );

test('of an empty database it tells that there is nothing', async () => {
  expect(await readStatus(own.db, NOW_MS)).toEqual({
    instance: null,
    liveRows: 0,
    deletedRows: 0,
    lastReconcile: null,
    lastSweep: null,
    running: null,
    webhooks: { verdict: 'ok', repaired: 0, delivered: 0 },
    failures: { unresolved: 0, first: [] },
    emailsTaken: { unresolved: 0, first: [] },
    deletionsWaiting: 0,
    deletionsKept: 0,
    goneRows: 0,
    erasing: null,
    foreignRows: 0,
    hooks: null,
  });
});

test('live rows and deleted ones are counted apart, rows that were removed among the deleted', async () => {
  await users('user_a', 'user_b', 'user_c');
  await own.db.user.update({ where: { clerkId: 'user_c' }, data: { deletedAt: new Date(NOW_MS) } });
  const deletedAt = new Date(NOW_MS);
  const tombstone = { deletedAt, revision: 2, erasedAt: deletedAt };
  await own.db.userTombstone.createMany({
    data: [
      { clerkId: 'user_d', ...tombstone },
      { clerkId: 'user_b', ...tombstone, restoredAt: deletedAt },
    ],
  });
  expect(await readStatus(own.db, NOW_MS)).toMatchObject({ liveRows: 2, deletedRows: 2 });
});

test('the last reconcile and the last sweep are the last that were completed, with repairs by label', async () => {
  const counts = { created: 3, updated: 4, restored: 1, deleted: 5, phantoms: 2 };
  await own.db.reconcileRun.createMany({
    data: [
      runRow({ finishedAtMs: ago(90) }),
      {
        ...runRow({ finishedAtMs: ago(30) }),
        ...counts,
        clerkRequests: 9,
        withheld: 6,
        failed: 1,
        clerkUsers: 80,
        liveRows: 86,
      },
      runRow({ kind: 'delta', finishedAtMs: ago(10) }),
      runRow({ status: 'cancelled', finishedAtMs: ago(5) }),
    ],
  });
  const { lastReconcile, lastSweep, running } = await readStatus(own.db, NOW_MS);
  expect(lastReconcile).toMatchObject({ kind: 'delta', finishedAt: new Date(ago(10)) });
  expect(lastSweep).toEqual({
    kind: 'sweep',
    clockAheadSeconds: null,
    finishedAt: new Date(ago(30)),
    repaired: { missed_create: 4, missed_update: 4, missed_delete: 3, phantom: 2 },
    withheld: 6,
    unasked: 0,
    problems: [],
    failed: 1,
    clerkRequests: 9,
    clerkUsers: 80,
    liveRows: 86,
  });
  expect(running).toBeNull();
});

test('a reconcile that began last and has not ended is running', async () => {
  await own.db.reconcileRun.createMany({
    data: [
      runRow({ finishedAtMs: ago(30) }),
      { ...runRow({ status: 'running', finishedAtMs: ago(4) }), seen: 70 },
    ],
  });
  expect(await readStatus(own.db, NOW_MS)).toMatchObject({
    lastReconcile: { finishedAt: new Date(ago(30)) },
    running: { kind: 'sweep', startedAt: new Date(ago(5)), seen: 70 },
  });
});

test('unresolved failures are counted, and the first five named', async () => {
  const failure = (n: number, resolvedAt: Date | null = null) => ({
    clerkId: `user_${n}`,
    code: 'ROW_REJECTED',
    message: 'A constraint.',
    workflowId: 'w',
    runId: 'r',
    firstFailedAt: new Date(ago(60 - n)),
    lastFailedAt: new Date(ago(1)),
    resolvedAt,
  });
  await own.db.syncFailure.createMany({
    data: [7, 6, 5, 4, 3, 2].map((n) => failure(n)).concat(failure(1, new Date(ago(2)))),
  });
  const { failures } = await readStatus(own.db, NOW_MS);
  expect(failures.unresolved).toBe(6);
  expect(failures.first).toEqual(
    [2, 3, 4, 5, 6].map((n) => ({ clerkUserId: `user_${n}`, code: 'ROW_REJECTED' })),
  );
});

test('a user whose row was written without the e-mail that another has is not among those who cannot be written', async () => {
  const quarantining = connectDatabase({ url: own.database.url, emailUniqueness: 'quarantine' });
  try {
    await own.db.$executeRaw`CREATE UNIQUE INDEX one_email ON users (email)`;
    for (const id of ['user_has_it', 'user_lacks_it']) {
      const email_addresses = [{ id: 'idn_1', email_address: 'ada@example.com' }];
      const snapshot = snapshotOf(id, T0, { email_addresses, primary_email_address_id: 'idn_1' });
      await applySnapshots(quarantining, [snapshot], 'webhook');
    }
    expect(await readStatus(own.db, NOW_MS)).toMatchObject({
      liveRows: 2,
      failures: { unresolved: 0, first: [] },
      emailsTaken: { unresolved: 1, first: [{ clerkUserId: 'user_lacks_it', code: 'EMAIL_TAKEN' }] },
    });
  } finally {
    await own.db.$executeRaw`DROP INDEX one_email`;
    await quarantining.$disconnect();
  }
});

test('a deletion waits when Clerk lacks the user, it was withheld, nobody rejected it, and the row is live and was not written since', async () => {
  await users('user_waits', 'user_refused', 'user_unasked', 'user_kept', 'user_done', 'user_seen_since');
  await own.db.user.update({ where: { clerkId: 'user_done' }, data: { deletedAt: new Date(NOW_MS) } });
  const at = new Date(T0 + 60_000);
  const candidate = (clerkId: string, goneAt: Date | null, rejectedAt: Date | null = null) => ({
    clerkId,
    runId: 'r',
    foundAt: at,
    goneAt,
    rejectedAt,
    withheldOver: 10,
  });
  await own.db.deletionCandidate.createMany({
    data: [
      candidate('user_waits', at),
      { ...candidate('user_refused', at), withheldOver: null },
      candidate('user_unasked', null),
      candidate('user_kept', at, at),
      candidate('user_done', at),
      candidate('user_no_row', at),
      candidate('user_seen_since', new Date(T0 - 60_000)),
    ],
  });
  expect(await readStatus(own.db, NOW_MS)).toMatchObject({
    deletionsWaiting: 1,
    deletionsKept: 1,
    goneRows: 3,
  });
});

test('how many tombstones are to be erased is told as the last reconcile counted them, and one of an hour before', async () => {
  const counted = (minutesAgo: number, toErase: number | null, status = 'completed') => ({
    ...runRow({ kind: 'delta', status, finishedAtMs: ago(minutesAgo) }),
    toErase,
  });
  await own.db.reconcileRun.createMany({ data: [counted(89, 9), counted(70, 8), counted(30, 7)] });
  expect((await readStatus(own.db, NOW_MS)).erasing).toEqual({ toErase: 7, anHourBefore: null });
  await own.db.reconcileRun.createMany({ data: [counted(9, 6), counted(1, null, 'running')] });
  expect((await readStatus(own.db, NOW_MS)).erasing).toEqual({ toErase: 6, anHourBefore: 8 });
  await own.db.reconcileRun.create({ data: counted(5, null) });
  expect((await readStatus(own.db, NOW_MS)).erasing).toBeNull();
});

test('it tells the instance, and what the log says of webhooks', async () => {
  await own.db.syncedInstance.create({ data: { instanceId: 'ins_1', adoptedAt: new Date(ago(99)) } });
  await own.db.userChange.create({ data: changeRow({ writer: 'webhook', changedAtMs: ago(1) }) });
  expect(await readStatus(own.db, NOW_MS)).toMatchObject({
    instance: { instanceId: 'ins_1', adoptedAt: new Date(ago(99)) },
    webhooks: { verdict: 'ok', repaired: 0, delivered: 1 },
  });
});
