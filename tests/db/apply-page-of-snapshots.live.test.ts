import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { applyDeletions } from '../../src/db/apply-deletions.js';
import { applySnapshots } from '../../src/db/apply-snapshots.js';
import type { UserSnapshot } from '../../src/user-change.js';
import { RESTORE_AFTER_MS } from '../../src/user-change.js';
import { answerOf, snapshotOf, T0 } from './snapshot-of.js';
import { openUsersTable, type UsersTable } from './users-table.js';

let table: UsersTable;
let users = 0;
const newUserId = () => `user_page${++users}`;

beforeAll(async () => {
  table = await openUsersTable(30);
});
afterAll(() => table.close());

describe('many in one statement', () => {
  test('no snapshots are no outcome', async () => {
    expect(await applySnapshots(table.db, [], 'reconcile')).toEqual([]);
  });

  test('of two snapshots of one user the newer is taken, in either order, and logged once', async () => {
    for (const order of [
      [0, 1],
      [1, 0],
    ]) {
      const id = newUserId();
      const both = [snapshotOf(id, T0, { first_name: 'Old' }), snapshotOf(id, T0 + 1, { first_name: 'New' })];
      const given = order.flatMap((index) => both[index] ?? []);
      expect(await applySnapshots(table.db, given, 'reconcile')).toEqual([
        { clerkUserId: id, outcome: 'created', changedFields: [] },
      ]);
      expect(await table.row(id)).toMatchObject({ firstName: 'New' });
      expect(await table.changes(id)).toHaveLength(1);
    }
  });

  test('a page of 500 of every kind has one outcome a user, each its own', async () => {
    const kinds = ['created', 'updated', 'unchanged', 'stale', 'restored'] as const;
    const page = Array.from({ length: 500 }, (_, i) => ({ id: newUserId(), kind: kinds[i % kinds.length] }));
    const known = page.filter(({ kind }) => kind !== 'created');
    await applySnapshots(
      table.db,
      known.map(({ id }) => snapshotOf(id, T0)),
      'webhook',
    );
    const gone = page.filter(({ kind }) => kind === 'restored');
    await applyDeletions(
      table.db,
      gone.map(({ id }) => ({ clerkUserId: id, deletedAtMs: T0 + 10 })),
      { observedVia: 'webhook', writer: 'webhook', markUnknown: false },
    );
    const answers = page.map(({ id, kind }) =>
      answerOf(
        id,
        kind === 'stale' ? T0 - 1 : T0 + 20,
        T0 + 10 + RESTORE_AFTER_MS + 1,
        kind === 'unchanged' ? {} : { first_name: kind ?? '' },
      ),
    );
    const outcomes = await applySnapshots(table.db, answers, 'reconcile');
    const byId = Object.fromEntries(outcomes.map(({ clerkUserId, outcome }) => [clerkUserId, outcome]));
    expect(outcomes).toHaveLength(500);
    expect(byId).toEqual(Object.fromEntries(page.map(({ id, kind }) => [id, kind])));
    const fieldsOf = new Map(outcomes.map((applied) => [applied.outcome, applied.changedFields.toSorted()]));
    expect(Object.fromEntries(fieldsOf)).toEqual({
      created: [],
      updated: ['firstName', 'name'],
      unchanged: [],
      stale: [],
      restored: ['firstName', 'name'],
    });
    const logged = await table.db.userChange.groupBy({
      by: ['kind'],
      where: { writer: 'reconcile', clerkId: { in: page.map(({ id }) => id) } },
      _count: true,
    });
    expect(Object.fromEntries(logged.map(({ kind, _count }) => [kind, _count]))).toEqual({
      created: 100,
      updated: 100,
      restored: 100,
    });
  });
});

describe('many writers at once', () => {
  /** Where two writers wait for each other, Postgres ends one with SQLSTATE 40P01 after a second. */
  const all = (writing: Promise<unknown>[]) => expect(Promise.all(writing)).resolves.toBeDefined();

  test('20 writers of the same 50 users, each in its own order, end at the newest, with a log entry for every revision', async () => {
    const ids = Array.from({ length: 50 }, newUserId);
    const writers = Array.from({ length: 20 }, (_, writer) =>
      shuffled(ids, writer).map((id, i) => {
        // Each user has versions 0 to 19, one a writer; every fourth only moves the version.
        const version = (writer * 7 + ids.indexOf(id)) % 20;
        const name = `Name ${Math.floor(version / 4)}`;
        return { batch: Math.floor(i / 10), snapshot: snapshotOf(id, T0 + version, { first_name: name }) };
      }),
    );
    await all(
      writers.map(async (work) => {
        for (let batch = 0; batch < 5; batch++) {
          const together = work.filter((one) => one.batch === batch).map(({ snapshot }) => snapshot);
          await applySnapshots(table.db, together, 'webhook');
        }
      }),
    );
    for (const id of ids) {
      const row = await table.row(id);
      expect(row).toMatchObject({ clerkUpdatedAt: new Date(T0 + 19), firstName: 'Name 4' });
      const revisions = (await table.changes(id)).map(({ revision }) => revision);
      expect(revisions).toEqual(Array.from({ length: row.revision }, (_, i) => i + 1));
    }
  });

  test('two pages of the same users in opposite orders never wait for each other for good', async () => {
    const ids = Array.from({ length: 500 }, newUserId);
    const page = (order: string[], version: number): UserSnapshot[] =>
      order.map((id) => snapshotOf(id, T0 + version, { first_name: `Name ${version}` }));
    for (let round = 0; round < 10; round++) {
      await all([
        applySnapshots(table.db, page(ids, 2 * round), 'webhook'),
        applySnapshots(table.db, page(ids.toReversed(), 2 * round + 1), 'reconcile'),
      ]);
    }
    const names = await table.db.user.groupBy({
      by: ['firstName'],
      where: { clerkId: { in: ids } },
      _count: true,
    });
    expect(names).toEqual([{ firstName: 'Name 19', _count: 500 }]);
  });

  test('deletions and snapshots of the same users in opposite orders never do either', async () => {
    const ids = Array.from({ length: 500 }, newUserId);
    for (let round = 0; round < 5; round++) {
      await all([
        applySnapshots(
          table.db,
          ids.map((id) => answerOf(id, T0, T0 + (2 * round + 1) * RESTORE_AFTER_MS + 1)),
          'reconcile',
        ),
        applyDeletions(
          table.db,
          ids
            .toReversed()
            .map((clerkUserId) => ({ clerkUserId, deletedAtMs: T0 + 2 * round * RESTORE_AFTER_MS })),
          { observedVia: 'webhook', writer: 'webhook', markUnknown: true },
        ),
      ]);
    }
    expect(await table.db.user.count({ where: { clerkId: { in: ids } } })).toBe(500);
    const unlogged = await table.db.$queryRaw`
      SELECT clerk_id FROM users WHERE revision <> (SELECT count(*) FROM user_changes WHERE clerk_id = users.clerk_id)`;
    expect(unlogged).toEqual([]);
  });
});

/** The same order for the same seed. */
function shuffled<Item>(items: readonly Item[], seed: number): Item[] {
  const keyed = items.map((item, i) => ({ item, key: Math.sin((seed + 1) * 1000 + i) }));
  return keyed.sort((a, b) => a.key - b.key).map(({ item }) => item);
}
