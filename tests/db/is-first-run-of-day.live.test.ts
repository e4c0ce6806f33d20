import { expect, test } from '@jest/globals';
import { isFirstRunOfDay } from '../../src/db/is-first-run-of-day.js';
import { connectedDatabase } from '../support/connected-database.js';
import { MINUTE_MS, runRow } from './log-rows.js';

const own = connectedDatabase();
const ended = (minutesAgo: number, status = 'completed') =>
  own.db.reconcileRun.create({ data: runRow({ status, finishedAtMs: Date.now() - minutesAgo * MINUTE_MS }) });

test('a reconcile is the first of its day until one that was started today is completed', async () => {
  expect(await isFirstRunOfDay(own.db)).toBe(true);
  await ended(24 * 60);
  await ended(-60, 'running');
  expect(await isFirstRunOfDay(own.db)).toBe(true);
  // In an hour: at no time of day was that started yesterday.
  await ended(-60);
  expect(await isFirstRunOfDay(own.db)).toBe(false);
});
