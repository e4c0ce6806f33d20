import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { applySnapshots } from '../../src/db/apply-snapshots.js';
import { readHooksBacklog } from '../../src/db/hooks-backlog.js';
import { listPendingHooks, noteHookFailure, removePendingHook } from '../../src/db/pending-hooks.js';
import { turnOnHooks } from '../../src/db/turn-on-hooks.js';
import { connectedDatabase } from '../support/connected-database.js';
import { snapshotOf, T0 } from './snapshot-of.js';

const own = connectedDatabase();

const write = (id: string, ms = 0) =>
  applySnapshots(own.db, [snapshotOf(id, T0 + ms, { first_name: `Name ${ms}` })], 'webhook');
const backlog = () => readHooksBacklog(own.db);
/** When the log says that a user's first change was written. */
const writtenAt = async (clerkId: string) =>
  (await own.db.userChange.findFirstOrThrow({ where: { clerkId }, orderBy: { id: 'asc' } })).changedAt;
const firstOf = async (id: string) => {
  const [first] = await listPendingHooks(own.db, id, 1);
  if (first === undefined) throw new Error(`${id} has no pending change.`);
  return first;
};
async function fail(id: string, times: number): Promise<void> {
  const first = await firstOf(id);
  for (let n = 0; n < times; n++) await noteHookFailure(own.db, first, 'It failed.');
}
const NOTHING = { pending: 0, oldestAt: null, failed: 0, firstFailed: [] };

beforeEach(() => turnOnHooks(own.db, false));
afterEach(() => own.db.$executeRaw`TRUNCATE hooks_switch, pending_hooks, users, user_changes`);

test('where hooks are off there is no backlog, even if something is left in the queue', async () => {
  await write('user_a');
  await own.db.hooksSwitch.deleteMany();
  expect(await backlog()).toBeNull();
});

test('every change whose hook has not been through is pending, from the one written first on', async () => {
  expect(await backlog()).toEqual(NOTHING);
  await write('user_z');
  await write('user_a');
  await write('user_z', 1);
  expect(await backlog()).toEqual({ ...NOTHING, pending: 3, oldestAt: await writtenAt('user_z') });
  await removePendingHook(own.db, await firstOf('user_z'));
  expect(await backlog()).toEqual({ ...NOTHING, pending: 2, oldestAt: await writtenAt('user_a') });
});

test('a change whose hook fails stays pending, and is named with its revision and attempts, the oldest first', async () => {
  const ids = ['user_g', 'user_f', 'user_e', 'user_d', 'user_c', 'user_b'];
  await write('user_a');
  for (const id of ids) {
    await write(id);
    await write(id, 1);
    await fail(id, 2);
  }
  await removePendingHook(own.db, await firstOf('user_g'));
  await fail('user_g', 3);
  const found = await backlog();
  expect(found).toMatchObject({ pending: 12, failed: 6, oldestAt: await writtenAt('user_a') });
  expect(found?.firstFailed).toEqual([
    { clerkUserId: 'user_g', revision: 2, failures: 3 },
    ...ids.slice(1, 5).map((clerkUserId) => ({ clerkUserId, revision: 1, failures: 2 })),
  ]);
});

test("where the oldest was removed from the log, the next entry's time is told", async () => {
  await write('user_a');
  await write('user_b');
  const next = await writtenAt('user_b');
  await own.db.userChange.deleteMany({ where: { clerkId: 'user_a' } });
  expect(await backlog()).toMatchObject({ pending: 2, oldestAt: next });
  await own.db.userChange.deleteMany();
  expect(await backlog()).toMatchObject({ pending: 2, oldestAt: null });
});
