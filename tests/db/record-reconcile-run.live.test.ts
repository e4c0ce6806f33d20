import { beforeEach, describe, expect, test } from '@jest/globals';
import { readClock } from '../../src/db/read-clock.js';
import { recordReconcileRun } from '../../src/db/record-reconcile-run.js';
import { noTotals } from '../../src/reconcile-totals.js';
import { connectedDatabase } from '../support/connected-database.js';
import { withClockAhead } from '../support/with-clock-ahead.js';

const MINUTES_10 = 600_000;

const own = connectedDatabase();
beforeEach(() => own.db.reconcileRun.deleteMany());

const run = { id: 'w/r', kind: 'sweep', status: 'completed', totals: noTotals() } as const;
const recorded = () => own.db.reconcileRun.findUniqueOrThrow({ where: { id: 'w/r' } });
const secondsBetween = (a: Date | null, bMs: number) => Math.abs((a?.getTime() ?? 0) - bMs) / 1000;

describe.each([
  ['ahead', MINUTES_10],
  ['behind', -MINUTES_10],
])('on a machine whose clock is ten minutes %s', (_, aheadMs) => {
  test("a run ends by Postgres' clock, and the difference is written beside it", async () => {
    const { nowMs } = await readClock(own.db);
    await withClockAhead(aheadMs, () =>
      recordReconcileRun(own.db, { ...run, startedAtMs: nowMs - 5_000 }, nowMs),
    );
    const { startedAt, finishedAt, clockAheadSeconds } = await recorded();
    expect(startedAt.getTime()).toBe(nowMs - 5_000);
    expect(secondsBetween(finishedAt, nowMs)).toBeLessThan(60);
    expect(Math.abs((clockAheadSeconds ?? 0) - aheadMs / 1000)).toBeLessThan(60);
  });

  test("its clock is known to differ from Postgres'", async () => {
    const { nowMs, aheadMs: found } = await withClockAhead(aheadMs, () => readClock(own.db));
    expect(Math.abs(nowMs - Date.now())).toBeLessThan(60_000);
    expect(Math.abs(found - aheadMs)).toBeLessThan(60_000);
  });
});

test("where Temporal's clock is ahead, a run began as long ago as it lasted, and not in the future", async () => {
  const { nowMs } = await readClock(own.db);
  const temporalMs = nowMs + MINUTES_10;
  await recordReconcileRun(own.db, { ...run, startedAtMs: temporalMs - 30_000 }, temporalMs);
  expect(secondsBetween((await recorded()).startedAt, nowMs - 30_000)).toBeLessThan(20);
});

test('a run that was cancelled stays so, whatever is written later', async () => {
  const startedAtMs = Date.now() - 1_000;
  await recordReconcileRun(own.db, { ...run, status: 'running', startedAtMs });
  expect(await recorded()).toMatchObject({ status: 'running', finishedAt: null });
  await recordReconcileRun(own.db, { ...run, status: 'cancelled', startedAtMs });
  await recordReconcileRun(own.db, { ...run, startedAtMs, windows: 3 });
  expect(await recorded()).toMatchObject({ status: 'cancelled', windows: 1 });
});
