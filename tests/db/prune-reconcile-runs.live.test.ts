import { beforeEach, expect, test } from '@jest/globals';
import { pruneReconcileRuns } from '../../src/db/prune-reconcile-runs.js';
import { readEarlierReconciles } from '../../src/db/read-earlier-reconciles.js';
import { connectedDatabase } from '../support/connected-database.js';
import { MINUTE_MS, runRow } from './log-rows.js';

const DAY_MS = 24 * 60 * MINUTE_MS;

const own = connectedDatabase();
beforeEach(() => own.db.reconcileRun.deleteMany());

/** A day of the last week, and the middle of it. */
const NOON_MS = new Date(Date.now() - 4 * DAY_MS).setUTCHours(12, 0, 0, 0);

type Row = Omit<ReturnType<typeof runRow>, 'id'> & { id: string };
const sweep = (
  id: string,
  finishedAtMs: number,
  given: Partial<Row> & Record<string, unknown> = {},
): Row => ({
  ...runRow({ finishedAtMs }),
  ...given,
  id,
});
const create = (...data: Row[]) => own.db.reconcileRun.createMany({ data });
/** @returns the ids of those that are left, in the order of their start. */
async function left(): Promise<string[]> {
  await pruneReconcileRuns(own.db);
  const rows = await own.db.reconcileRun.findMany({ orderBy: { startedAt: 'asc' } });
  return rows.map(({ id }) => id);
}

test('of sweeps and deltas that repaired nothing, those of the last day stay, and the first sweep of each day before', async () => {
  const everyTick = Array.from({ length: 400 }, (_, at) =>
    sweep(`old_${at}`, NOON_MS + at * 15_000, { kind: at % 40 === 1 ? 'delta' : 'sweep' }),
  );
  await create(...everyTick, sweep('lately', Date.now() - DAY_MS / 2), sweep('now', Date.now()));
  expect(await left()).toEqual(['old_0', 'lately', 'now']);
});

test('what repaired something stays for 90 days; that deletions wait, or users fail, at each tick does not make it news', async () => {
  const repairs = ['created', 'updated', 'restored', 'deleted'];
  await create(
    sweep('too_old', Date.now() - 91 * DAY_MS, { updated: 1 }),
    sweep('first_of_day', NOON_MS),
    ...repairs.map((what, at) => sweep(what, NOON_MS + (at + 1) * MINUTE_MS, { [what]: 1 })),
    sweep('idle', NOON_MS + 5 * MINUTE_MS, { withheld: 64, failed: 2 }),
    sweep('cancelled', NOON_MS + 6 * MINUTE_MS, { status: 'cancelled' }),
    sweep('now', Date.now()),
  );
  expect(await left()).toEqual(['first_of_day', ...repairs, 'cancelled', 'now']);
});

test('the last sweep stays, however old and idle it is: reconciles begin with what it found', async () => {
  await create(
    sweep('only', Date.now() - 100 * DAY_MS),
    sweep('delta', Date.now() - 2 * DAY_MS, { kind: 'delta' }),
  );
  expect(await left()).toEqual(['only', 'delta']);
  expect((await readEarlierReconciles(own.db))?.lastSweep).not.toBeNull();
});
