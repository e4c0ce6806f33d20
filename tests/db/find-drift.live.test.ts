import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { applyDeletions } from '../../src/db/apply-deletions.js';
import { applySnapshots } from '../../src/db/apply-snapshots.js';
import { eraseDeletedUsers } from '../../src/db/erase-deleted-users.js';
import { findDrift } from '../../src/db/find-drift.js';
import { type JsonValue, RESTORE_AFTER_MS, type UserSnapshot } from '../../src/user-change.js';
import { answerOf, snapshotOf, T0 } from './snapshot-of.js';
import { openUsersTable, type UsersTable } from './users-table.js';

let table: UsersTable;
let users = 0;
const newUserId = () => `user_found${++users}`;

beforeAll(async () => {
  table = await openUsersTable();
});
afterAll(() => table.close());

const fields = fc.record({
  first_name: fc.constantFrom<JsonValue>('Ada', 'Grace', null),
  username: fc.constantFrom<JsonValue>('ada', null),
  public_metadata: fc.constantFrom<JsonValue>({}, { plan: 'pro' }, { plan: { seats: [1, null] } }),
  unsafe_metadata: fc.constantFrom<JsonValue>({}, { theme: 'dark' }),
  two_factor_enabled: fc.constantFrom<JsonValue>(false, true, null),
  locked: fc.boolean(),
  email_addresses: fc.constantFrom<JsonValue>([]),
});
const user = fc.record({
  before: fc.constantFrom('no row', 'a row', 'a tombstone', 'an anonymised row', 'an erased user'),
  stored: fields,
  incoming: fields,
  afterMs: fc.integer({ min: -1, max: 1 }),
  /** Whether the answer comes long enough after a deletion to end it. */
  isLate: fc.boolean(),
});

async function written(): Promise<unknown> {
  return table.db.$queryRaw`
    SELECT 'row', clerk_id, xmin::text FROM users
    UNION ALL SELECT 'tombstone', clerk_id, xmin::text FROM user_tombstones
    UNION ALL SELECT 'change', id::text, xmin::text FROM user_changes ORDER BY 1, 2`;
}

test('findDrift() tells beforehand what applySnapshots() then writes, and writes nothing itself', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(user, { minLength: 80, maxLength: 80 }), async (generated) => {
      const all = generated.map((one) => ({ ...one, id: newUserId() }));
      const ids = (before: string) => all.filter((one) => one.before === before).map(({ id }) => id);
      await applySnapshots(
        table.db,
        all.filter(({ before }) => before !== 'no row').map(({ id, stored }) => snapshotOf(id, T0, stored)),
        'webhook',
      );
      const [anonymised, erased] = [ids('an anonymised row'), ids('an erased user')];
      await applyDeletions(
        table.db,
        [...ids('a tombstone'), ...anonymised, ...erased].map((clerkUserId) => ({
          clerkUserId,
          deletedAtMs: T0 + 100,
        })),
        { observedVia: 'webhook', writer: 'webhook', markUnknown: false },
      );
      await eraseDeletedUsers(table.db, { mode: 'anonymise', holdbackMs: 0, clerkUserIds: anonymised });
      await eraseDeletedUsers(table.db, { mode: 'hard', holdbackMs: 0, clerkUserIds: erased });
      const incoming = all.map(({ id, incoming, afterMs, isLate }) =>
        answerOf(id, T0 + afterMs, isLate ? T0 + 101 + RESTORE_AFTER_MS : T0 + 50, incoming),
      );

      const before = await written();
      const { drifts, onlyVersions } = await findDrift(table.db, incoming);
      expect(await written()).toEqual(before);

      const stateBefore = await versions();
      const applied = await applySnapshots(table.db, incoming, 'reconcile');
      const changed = applied.filter(({ outcome }) => outcome !== 'unchanged' && outcome !== 'stale');
      expect(drifts.map(({ sinceMs: _, ...found }) => found)).toEqual(
        changed.sort((a, b) => (a.clerkUserId < b.clerkUserId ? -1 : 1)),
      );
      const logged = await table.db.userChange.findMany({
        where: { writer: 'reconcile', clerkId: { in: all.map(({ id }) => id) } },
      });
      const since = Object.fromEntries(
        logged.map((change) => [change.clerkId, change.driftSince?.getTime()]),
      );
      expect(Object.fromEntries(drifts.map((found) => [found.clerkUserId, found.sinceMs]))).toEqual(since);
      const stateAfter = await versions();
      const moved = applied.filter(
        ({ outcome, clerkUserId }) =>
          outcome === 'unchanged' && stateBefore.get(clerkUserId) !== stateAfter.get(clerkUserId),
      );
      expect(onlyVersions).toBe(moved.length);
    }),
    { numRuns: 5, endOnFailure: true },
  );
});

async function versions(): Promise<Map<string, string>> {
  const rows = await table.db.$queryRaw<{ id: string; writing: string }[]>`
    SELECT clerk_id AS id, xmin::text AS writing FROM users`;
  return new Map(rows.map(({ id, writing }) => [id, writing]));
}

describe('with values', () => {
  const found = async (snapshot: UserSnapshot) =>
    (await findDrift(table.db, [snapshot], { values: true })).drifts;

  test('each changed field shows what is stored and what Clerk says, as JSON', async () => {
    const id = newUserId();
    await table.apply(snapshotOf(id, T0, { username: 'ada', public_metadata: { plan: 'free' } }));
    const answer = answerOf(id, T0 + 1, T0 + 2, {
      first_name: 'Grace',
      username: null,
      banned: true,
      public_metadata: { plan: { seats: [1] } },
      unsafe_metadata: { theme: 'dark' },
      two_factor_enabled: true,
    });
    expect(await found(answer)).toEqual([
      {
        clerkUserId: id,
        outcome: 'updated',
        changedFields: [
          'username',
          'firstName',
          'name',
          'banned',
          'publicMetadata',
          'two_factor_enabled',
          'unsafe_metadata',
        ],
        sinceMs: T0 + 1,
        values: [
          { field: 'username', stored: 'ada', incoming: null },
          { field: 'firstName', stored: 'Ada', incoming: 'Grace' },
          { field: 'name', stored: 'Ada Lovelace', incoming: 'Grace Lovelace' },
          { field: 'banned', stored: false, incoming: true },
          { field: 'publicMetadata', stored: { plan: 'free' }, incoming: { plan: { seats: [1] } } },
          { field: 'two_factor_enabled', stored: null, incoming: true },
          { field: 'unsafe_metadata', stored: {}, incoming: { theme: 'dark' } },
        ],
      },
    ]);
  });

  test('a user without a row has none', async () => {
    const id = newUserId();
    expect(await found(answerOf(id, T0, T0 + 1))).toEqual([
      { clerkUserId: id, outcome: 'created', changedFields: [], sinceMs: 1_700_000_000_000, values: [] },
    ]);
  });
});

test('no snapshots are no drift', async () => {
  expect(await findDrift(table.db, [])).toEqual({ drifts: [], onlyVersions: 0 });
});
