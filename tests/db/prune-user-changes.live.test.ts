import { beforeEach, expect, test } from '@jest/globals';
import { hasNumberChanged } from '../../src/db/has-number-changed.js';
import { listPendingHooks, removePendingHook } from '../../src/db/pending-hooks.js';
import { type ChangePlace, pruneUserChanges } from '../../src/db/prune-user-changes.js';
import { turnOnHooks } from '../../src/db/turn-on-hooks.js';
import { connectedDatabase } from '../support/connected-database.js';

const DAY_MS = 86_400_000;

const own = connectedDatabase();
beforeEach(async () => {
  await own.db.userChange.deleteMany();
  await own.db.pendingHook.deleteMany();
  await own.db.hooksSwitch.deleteMany();
});

/** Writes entries of the log of one user; each is a day older than the one after it, the last `daysAgo` old. */
async function changes(clerkId: string, kinds: string[], daysAgo = 40): Promise<void> {
  const data = kinds.map((kind, at) => {
    const changedAt = new Date(Date.now() - (daysAgo + kinds.length - at) * DAY_MS);
    return {
      clerkId,
      kind,
      revision: at + 1,
      writer: 'webhook',
      clerkUpdatedAt: changedAt,
      observedAt: changedAt,
      changedAt,
    };
  });
  await own.db.userChange.createMany({ data });
}

/** To the end, a few at a time. @returns how many were removed. */
async function prune(most = 2): Promise<number> {
  let removed = 0;
  let after: ChangePlace | null = null;
  do {
    const step: Awaited<ReturnType<typeof pruneUserChanges>> = await pruneUserChanges(own.db, {
      retentionDays: 30,
      after,
      most,
    });
    removed += step.removed;
    after = step.after;
  } while (after !== null);
  return removed;
}
const kinds = async (clerkId: string) => {
  const rows = await own.db.userChange.findMany({ where: { clerkId }, orderBy: { id: 'asc' } });
  return rows.map(({ kind }) => kind);
};

test('old entries go but for the first that says that the user is there; young ones stay', async () => {
  await changes('user_a', ['created', 'updated', 'deleted', 'restored', 'updated']);
  await changes('user_b', ['deleted', 'restored', 'updated', 'created']);
  await changes('user_c', ['created', 'updated'], 5);
  expect(await prune()).toBe(4 + 3);
  expect(await kinds('user_a')).toEqual(['created']);
  expect(await kinds('user_b')).toEqual(['restored']);
  expect(await kinds('user_c')).toEqual(['created', 'updated']);
  expect(await prune()).toBe(0);
});

test('however many were written in the same millisecond, each is looked at once', async () => {
  await changes('user_a', ['created']);
  const [first] = await own.db.userChange.findMany();
  const { id: _, ...entry } = first ?? { id: 0n };
  const later = Array.from({ length: 25 }, () => ({
    ...(entry as NonNullable<typeof first>),
    kind: 'updated',
  }));
  await own.db.userChange.createMany({ data: later });
  expect(await prune(3)).toBe(25);
  expect(await kinds('user_a')).toEqual(['created']);
});

test('an application still hears exactly one `created` of a user', async () => {
  await changes('user_a', ['created', 'updated', 'deleted']);
  await prune();
  await turnOnHooks(own.db, false);
  await changes('user_a', ['restored', 'created'], 0);
  const hooks = await listPendingHooks(own.db, 'user_a', 10);
  expect(hooks.map(({ kind }) => kind)).toEqual(['restored', 'restored']);
});

test('a change whose hook is pending stays until it has been through', async () => {
  await turnOnHooks(own.db, false);
  await changes('user_a', ['created', 'updated', 'deleted']);
  expect(await prune()).toBe(0);
  const [created, updated, deleted] = await listPendingHooks(own.db, 'user_a', 10);
  expect([created?.kind, updated?.kind, deleted?.kind]).toEqual(['created', 'updated', 'deleted']);
  if (updated) await removePendingHook(own.db, updated);
  expect(await prune()).toBe(1);
  expect(await kinds('user_a')).toEqual(['created', 'deleted']);
});

test('that the number of users changed lately is seen as before', async () => {
  await changes('user_a', ['created', 'deleted'], 0);
  await prune();
  expect(await hasNumberChanged(own.db, Date.now() - 3 * DAY_MS)).toBe(true);
});
