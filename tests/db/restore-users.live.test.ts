import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { RESTORE_AFTER_MS } from '../../src/user-change.js';
import { answerOf, snapshotOf, T0 } from './snapshot-of.js';
import { openUsersTable, type UsersTable } from './users-table.js';

/** The first moment that ends a tombstone of T0 + 100. */
const RESTORED_AT = T0 + 100 + RESTORE_AFTER_MS + 1;

let table: UsersTable;
let users = 0;
const newUserId = () => `user_restored${++users}`;

beforeAll(async () => {
  table = await openUsersTable();
});
afterAll(() => table.close());

describe('a deleted user', () => {
  const makeDeleted = async () => {
    const id = newUserId();
    await table.apply(snapshotOf(id, T0));
    await table.remove(id, T0 + 100);
    return { id, before: await table.writing(id) };
  };

  test('is never revived by a webhook, whatever its version', async () => {
    const { id, before } = await makeDeleted();
    for (const updatedAtMs of [T0 - 1, T0, T0 + 50, T0 + 100, T0 + 101, T0 + 10 ** 9]) {
      expect(await table.apply(snapshotOf(id, updatedAtMs, { first_name: 'Late' }))).toBe('stale');
    }
    expect(await table.writing(id)).toEqual(before);
    expect(await table.row(id)).toMatchObject({ deletedAt: new Date(T0 + 100), firstName: 'Ada' });
  });

  test('is not restored by an answer that was observed before the deletion, with it or too soon after it', async () => {
    const { id, before } = await makeDeleted();
    for (const observedAtMs of [T0 + 50, T0 + 100, RESTORED_AT - 1]) {
      expect(
        await table.apply(answerOf(id, T0 + 200, observedAtMs, { first_name: 'Late' }), 'reconcile'),
      ).toBe('stale');
    }
    expect(await table.writing(id)).toEqual(before);
  });

  test('is restored by an answer observed well after it, which is logged', async () => {
    const { id } = await makeDeleted();
    expect(await table.apply(answerOf(id, T0 + 1, RESTORED_AT, { first_name: 'Back' }), 'reconcile')).toBe(
      'restored',
    );
    expect(await table.row(id)).toMatchObject({
      deletedAt: null,
      restoredAt: new Date(RESTORED_AT),
      firstName: 'Back',
      clerkUpdatedAt: new Date(T0 + 1),
      lastOutcome: 'restored',
      revision: 3,
    });
    expect((await table.changes(id)).map(({ kind, revision }) => [kind, revision])).toEqual([
      ['created', 1],
      ['deleted', 2],
      ['restored', 3],
    ]);
    expect((await table.changes(id))[2]?.changedFields.toSorted()).toEqual(['firstName', 'name']);
  });

  test('is restored with equal content too, and no field counts as changed', async () => {
    const { id } = await makeDeleted();
    expect(await table.apply(answerOf(id, T0, RESTORED_AT), 'reconcile')).toBe('restored');
    expect((await table.changes(id))[2]).toMatchObject({ kind: 'restored', changedFields: [] });
    expect(await table.apply(snapshotOf(id, T0 + 300, { first_name: 'Alive' }))).toBe('updated');
    expect(await table.row(id)).toMatchObject({
      deletedAt: null,
      restoredAt: new Date(RESTORED_AT),
      firstName: 'Alive',
    });
  });

  test("who was never seen alive is restored to the version that Clerk shows, older than the tombstone's", async () => {
    const id = newUserId();
    await table.remove(id, T0 + 100);
    expect(await table.apply(answerOf(id, T0, RESTORED_AT), 'reconcile')).toBe('restored');
    expect(await table.row(id)).toMatchObject({ email: `${id}@example.com`, clerkUpdatedAt: new Date(T0) });
    expect(await table.apply(snapshotOf(id, T0 + 50, { first_name: 'Next' }))).toBe('updated');
  });
});

describe('columns that the application added', () => {
  beforeAll(async () => {
    await table.db
      .$executeRaw`ALTER TABLE users ADD COLUMN role text NOT NULL DEFAULT 'member', ADD COLUMN "teamId" int`;
  });
  afterAll(async () => {
    await table.db.$executeRaw`ALTER TABLE users DROP COLUMN role, DROP COLUMN "teamId"`;
  });

  test('keep their values over updates, deletions and restorations', async () => {
    const id = newUserId();
    const own = () => table.db.$queryRaw`SELECT role, "teamId" FROM users WHERE clerk_id = ${id}`;
    await table.apply(snapshotOf(id, T0));
    expect(await own()).toEqual([{ role: 'member', teamId: null }]);
    await table.db.$executeRaw`UPDATE users SET role = 'admin', "teamId" = 7 WHERE clerk_id = ${id}`;
    const kept = [{ role: 'admin', teamId: 7 }];
    expect(await table.apply(snapshotOf(id, T0 + 1, { first_name: 'Grace' }))).toBe('updated');
    expect(await own()).toEqual(kept);
    await table.remove(id, T0 + 2);
    expect(await own()).toEqual(kept);
    expect(
      await table.apply(
        answerOf(id, T0 + 1, T0 + 2 + RESTORE_AFTER_MS + 1, { first_name: 'Back' }),
        'reconcile',
      ),
    ).toBe('restored');
    expect(await own()).toEqual(kept);
  });
});
