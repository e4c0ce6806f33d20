import { expect, test } from '@jest/globals';
import { readOverview } from '../../src/db/read-overview.js';
import { recordReconcileRun } from '../../src/db/record-reconcile-run.js';
import { noTotals } from '../../src/reconcile-totals.js';
import { connectedDatabase } from '../support/connected-database.js';
import { withClockAhead } from '../support/with-clock-ahead.js';

const own = connectedDatabase();

test("how long ago a reconcile ended is told by Postgres' clock, whatever this machine's says", async () => {
  const run = { id: 'run', kind: 'sweep', startedAtMs: Date.now(), totals: noTotals() };
  await recordReconcileRun(own.db, { ...run, status: 'completed' });
  const { lastReconcile } = await withClockAhead(3_600_000, () => readOverview(own.db));
  expect(lastReconcile?.ageMs).toBeGreaterThanOrEqual(0);
  expect(lastReconcile?.ageMs).toBeLessThan(1_800_000);
});
