import { beforeEach, expect, test } from '@jest/globals';
import { judgeWebhooks } from '../../src/db/judge-webhooks.js';
import type { DriftLabel } from '../../src/drift.js';
import { connectedDatabase } from '../support/connected-database.js';
import { changeRow, MINUTE_MS, runRow } from './log-rows.js';

const NOW_MS = 1_750_000_000_000;

const own = connectedDatabase();
beforeEach(async () => {
  await own.db.userChange.deleteMany();
  await own.db.reconcileRun.deleteMany();
  await own.db.reconcileRun.create({ data: runRow({ finishedAtMs: NOW_MS - 60 * MINUTE_MS }) });
});

const judge = () => judgeWebhooks(own.db, NOW_MS);

async function delivered(count: number, minutesAgo = 5): Promise<void> {
  const row = changeRow({ writer: 'webhook', changedAtMs: NOW_MS - minutesAgo * MINUTE_MS });
  await own.db.userChange.createMany({ data: Array.from({ length: count }, () => row) });
}

interface Repair {
  minutesAgo?: number;
  /** How long the row had differed when it was repaired; null where nothing tells. */
  forMinutes?: number | null;
  drift?: DriftLabel;
}
async function repaired(
  count: number,
  { minutesAgo = 5, forMinutes = 1, drift }: Repair = {},
): Promise<void> {
  const changedAtMs = NOW_MS - minutesAgo * MINUTE_MS;
  const row = changeRow({
    writer: 'reconcile',
    changedAtMs,
    drift: drift ?? 'missed_update',
    driftSinceMs: forMinutes === null ? null : changedAtMs - forMinutes * MINUTE_MS,
  });
  await own.db.userChange.createMany({ data: Array.from({ length: count }, () => row) });
}

test('where nothing changes webhooks are ok', async () => {
  expect(await judge()).toEqual({ verdict: 'ok', repaired: 0, delivered: 0 });
});

test('what was repaired before its webhook could have come counts for nothing', async () => {
  await repaired(9, { forMinutes: 0.05 });
  expect(await judge()).toEqual({ verdict: 'ok', repaired: 0, delivered: 0 });
});

test('three repairs and not one delivery are silence', async () => {
  await repaired(3);
  expect(await judge()).toEqual({ verdict: 'silent', repaired: 3, delivered: 0 });
});

test('two repairs without a delivery are too few to say', async () => {
  await repaired(2);
  expect(await judge()).toEqual({ verdict: 'ok', repaired: 2, delivered: 0 });
});

test('more than a fifth repaired is lossy, from five repairs on', async () => {
  await repaired(5);
  await delivered(19);
  expect(await judge()).toEqual({ verdict: 'lossy', repaired: 5, delivered: 19 });
});

test('a fifth repaired is ok', async () => {
  await repaired(5);
  await delivered(20);
  expect(await judge()).toEqual({ verdict: 'ok', repaired: 5, delivered: 20 });
});

test('four repairs beside one delivery are too few to say', async () => {
  await repaired(4);
  await delivered(1);
  expect(await judge()).toMatchObject({ verdict: 'ok' });
});

test('every label counts but the phantom: Clerk never had that user, so no webhook could have come', async () => {
  for (const drift of ['missed_create', 'missed_update', 'missed_delete'] as const)
    await repaired(1, { drift });
  await repaired(10, { drift: 'phantom' });
  expect(await judge()).toEqual({ verdict: 'silent', repaired: 3, delivered: 0 });
});

test('what had differed for an hour or more, or for nobody knows how long, is no word about webhooks now', async () => {
  await repaired(10, { forMinutes: 60 });
  await repaired(10, { forMinutes: null });
  expect(await judge()).toMatchObject({ verdict: 'ok', repaired: 0 });
  await repaired(3, { forMinutes: 59 });
  expect(await judge()).toMatchObject({ verdict: 'silent', repaired: 3 });
});

test('only the last 15 minutes count, of either', async () => {
  await repaired(10, { minutesAgo: 16 });
  await delivered(10, 16);
  expect(await judge()).toEqual({ verdict: 'ok', repaired: 0, delivered: 0 });
});

test('other writers count for nothing', async () => {
  const row = changeRow({ writer: 'sign-in', changedAtMs: NOW_MS - MINUTE_MS });
  await own.db.userChange.createMany({ data: [row, row, row, row] });
  expect(await judge()).toEqual({ verdict: 'ok', repaired: 0, delivered: 0 });
});

test('deletions that an operator approved count for nothing: they waited for the operator, not for a webhook', async () => {
  const changedAtMs = NOW_MS - MINUTE_MS;
  const driftSinceMs = changedAtMs - MINUTE_MS;
  const row = changeRow({ writer: 'operator', changedAtMs, drift: 'missed_delete', driftSinceMs });
  await own.db.userChange.createMany({ data: Array.from({ length: 64 }, () => row) });
  expect(await judge()).toEqual({ verdict: 'ok', repaired: 0, delivered: 0 });
});

test('a first sweep fills the table, which is no drift: neither before it is completed nor after', async () => {
  await own.db.reconcileRun.deleteMany();
  await repaired(50, { drift: 'missed_create' });
  await delivered(1);
  expect(await judge()).toMatchObject({ verdict: 'ok', repaired: 0 });
  await own.db.reconcileRun.createMany({
    data: [
      runRow({ kind: 'delta', finishedAtMs: NOW_MS - 30 * MINUTE_MS }),
      runRow({ status: 'cancelled', finishedAtMs: NOW_MS - 20 * MINUTE_MS }),
      runRow({ finishedAtMs: NOW_MS - 4 * MINUTE_MS }),
    ],
  });
  expect(await judge()).toMatchObject({ verdict: 'ok', repaired: 0 });
  await repaired(5, { minutesAgo: 3 });
  expect(await judge()).toEqual({ verdict: 'silent', repaired: 5, delivered: 0 });
});

test('a later sweep does not make drift that was repaired before it a filling', async () => {
  await repaired(3);
  await own.db.reconcileRun.create({ data: runRow({ finishedAtMs: NOW_MS - MINUTE_MS }) });
  expect(await judge()).toMatchObject({ verdict: 'silent' });
});

test('where the tables are missing it fails with SCHEMA_MISSING', async () => {
  await own.db.$executeRaw`ALTER TABLE user_changes RENAME TO moved`;
  try {
    await expect(judge()).rejects.toMatchObject({ type: 'SCHEMA_MISSING' });
  } finally {
    await own.db.$executeRaw`ALTER TABLE moved RENAME TO user_changes`;
  }
});
