import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type Erasure, eraseDeletedUsers } from '../../src/db/erase-deleted-users.js';
import { findNews } from '../../src/db/find-news.js';
import { RESTORE_AFTER_MS } from '../../src/user-change.js';
import { answerOf, snapshotOf, T0 } from './snapshot-of.js';
import { openUsersTable, type UsersTable } from './users-table.js';

/** The first moment that ends a tombstone of T0 + 100. */
const RESTORED_AT = T0 + 100 + RESTORE_AFTER_MS + 1;

let table: UsersTable;
let users = 0;
const newUserId = () => `user_erased${++users}`;

beforeAll(async () => {
  table = await openUsersTable();
  await table.db
    .$executeRaw`ALTER TABLE users ADD COLUMN role text NOT NULL DEFAULT 'member', ADD COLUMN "teamId" int`;
});
afterAll(() => table.close());
beforeEach(async () => {
  await table.db.$executeRaw`TRUNCATE users, user_tombstones`;
});

const erase = (mode: Erasure['mode'], clerkUserIds?: string[], holdbackMs = 0) =>
  eraseDeletedUsers(table.db, { mode, holdbackMs, ...(clerkUserIds ? { clerkUserIds } : {}) });
const own = (id: string) => table.db.$queryRaw`SELECT role, "teamId" FROM users WHERE clerk_id = ${id}`;
const isRow = async (id: string) => (await table.db.user.count({ where: { clerkId: id } })) === 1;
const tombstone = (id: string) => table.db.userTombstone.findUnique({ where: { clerkId: id } });

/** Everything about a user that is personal, filled. */
const PERSONAL = {
  username: 'marker_ada',
  first_name: 'Marker',
  external_id: 'marker_1',
  last_sign_in_at: T0 - 5,
  primary_phone_number_id: 'idn_p',
  phone_numbers: [{ id: 'idn_p', phone_number: '+15550100' }],
  public_metadata: { marker: 'plan' },
  image_url: 'https://img.example.com/marker',
};

async function makeDeleted(deletedAtMs = T0 + 100): Promise<string> {
  const id = newUserId();
  await table.apply(snapshotOf(id, T0, PERSONAL));
  await table.db.$executeRaw`UPDATE users SET role = 'admin', "teamId" = 7 WHERE clerk_id = ${id}`;
  await table.remove(id, deletedAtMs);
  return id;
}

describe('in every mode', () => {
  test('soft leaves the row as it was', async () => {
    const id = await makeDeleted();
    const before = await table.writing(id);
    expect(await erase('soft', [id])).toBe(0);
    expect(await erase('soft')).toBe(0);
    expect(await table.writing(id)).toEqual(before);
  });

  test.each(['anonymise', 'hard'] as const)('%s erases tombstones only, and each once', async (mode) => {
    const alive = newUserId();
    await table.apply(snapshotOf(alive, T0, PERSONAL));
    const before = await table.writing(alive);
    const ids = [await makeDeleted(), await makeDeleted(), await makeDeleted()];
    expect(await erase(mode, [])).toBe(0);
    expect(await erase(mode, [...ids.slice(0, 1), alive, 'user_nobody'])).toBe(1);
    expect(await erase(mode, ids)).toBe(2);
    expect(await erase(mode, ids)).toBe(0);
    expect(await erase(mode)).toBe(0);
    expect(await table.writing(alive)).toEqual(before);
  });

  test.each(['anonymise', 'hard'] as const)('%s without ids takes so many at a time', async (mode) => {
    for (let made = 0; made < 5; made++) await makeDeleted();
    const some = () => eraseDeletedUsers(table.db, { mode, holdbackMs: 0, most: 2 });
    expect([await some(), await some(), await some(), await some()]).toEqual([2, 2, 1, 0]);
  });

  test.each(['anonymise', 'hard'] as const)(
    '%s leaves alone who was deleted within the holdback',
    async (mode) => {
      const now = Date.now();
      const [late, early] = [await makeDeleted(now - 50_000), await makeDeleted(now - 70_000)];
      expect(await erase(mode, [late], 60_000)).toBe(0);
      // The holdback counts from the mark: an event that comes late must not void it.
      expect(await erase(mode, undefined, 60_000)).toBe(0);
      await table.db
        .$executeRaw`UPDATE users SET synced_at = now() - interval '70 seconds' WHERE clerk_id = ${early}`;
      expect(await erase(mode, undefined, 60_000)).toBe(1);
      expect(await table.row(late)).toMatchObject({ firstName: 'Marker' });
      if (mode === 'hard') expect(await isRow(early)).toBe(false);
      else expect(await table.row(early)).toMatchObject({ firstName: null });
      expect(await erase(mode, [late])).toBe(1);
    },
  );

  test('a mode that was changed takes what the mode before left', async () => {
    const ids = [await makeDeleted(), await makeDeleted()];
    await table.remove(newUserId(), T0 + 100);
    expect(await erase('anonymise')).toBe(2);
    expect(await erase('hard')).toBe(3);
    expect(await erase('anonymise')).toBe(0);
    expect(await Promise.all(ids.map(isRow))).toEqual([false, false]);
  });
});

describe('anonymise', () => {
  test("empties what is personal, and leaves the version, the times and the application's columns", async () => {
    const id = await makeDeleted();
    const before = await table.row(id);
    expect(await erase('anonymise', [id])).toBe(1);
    const row = await table.row(id);
    expect(row).toEqual({
      ...before,
      email: null,
      emailVerified: false,
      phone: null,
      username: null,
      firstName: null,
      lastName: null,
      name: null,
      avatarUrl: null,
      externalId: null,
      publicMetadata: {},
      raw: {},
      contentHash: '',
      lastSignInAt: null,
    });
    expect(JSON.stringify(row)).not.toMatch(/marker|@|\+1555/i);
    expect(await own(id)).toEqual([{ role: 'admin', teamId: 7 }]);
  });

  test('empties a row, too, that somebody else had edited before the user was deleted', async () => {
    const id = newUserId();
    await table.apply(snapshotOf(id, T0, PERSONAL));
    await table.db.$executeRaw`UPDATE users SET first_name = 'By hand' WHERE clerk_id = ${id}`;
    await table.remove(id, T0 + 100);
    expect(await erase('anonymise')).toBe(1);
    expect(await table.row(id)).toMatchObject({ firstName: null, email: null, raw: {}, contentHash: '' });
    expect(await erase('anonymise')).toBe(0);
  });

  test('leaves a tombstone like any other: webhooks are refused, an answer restores', async () => {
    const id = await makeDeleted();
    await erase('anonymise', [id]);
    expect(await table.apply(snapshotOf(id, T0 + 10 ** 9))).toBe('stale');
    expect(await table.remove(id, T0 + 200)).toBe('unchanged');
    expect(await table.apply(answerOf(id, T0 + 1, RESTORED_AT, PERSONAL), 'reconcile')).toBe('restored');
    expect(await table.row(id)).toMatchObject({ firstName: 'Marker', revision: 3, deletedAt: null });
    expect(await erase('anonymise', [id])).toBe(0);
    expect(await own(id)).toEqual([{ role: 'admin', teamId: 7 }]);
  });
});

describe('hard', () => {
  const makeErased = async () => {
    const id = await makeDeleted();
    expect(await erase('hard', [id])).toBe(1);
    return id;
  };

  test('removes the row and keeps the id, the revision and the times', async () => {
    const id = await makeErased();
    expect(await isRow(id)).toBe(false);
    expect(await tombstone(id)).toEqual({
      clerkId: id,
      deletedAt: new Date(T0 + 100),
      restoredAt: null,
      revision: 2,
      erasedAt: expect.any(Date),
    });
  });

  test('a user erased is never revived by a webhook, and findNews() says so beforehand', async () => {
    const id = await makeErased();
    for (const updatedAtMs of [T0 - 1, T0, T0 + 100, T0 + 10 ** 9]) {
      const late = snapshotOf(id, updatedAtMs);
      expect(await findNews(table.db, [late])).toEqual({ newer: new Set(), stale: new Set([id]) });
      expect(await table.apply(late)).toBe('stale');
    }
    expect(await isRow(id)).toBe(false);
    expect(await table.changes(id)).toHaveLength(2);
  });

  test('a user erased is not restored by an answer observed too soon after the deletion', async () => {
    const id = await makeErased();
    for (const observedAtMs of [T0 + 50, T0 + 100, RESTORED_AT - 1]) {
      const answer = answerOf(id, T0 + 200, observedAtMs);
      expect(await findNews(table.db, [answer])).toEqual({ newer: new Set(), stale: new Set([id]) });
      expect(await table.apply(answer, 'reconcile')).toBe('stale');
    }
    expect(await isRow(id)).toBe(false);
  });

  test('a user erased is restored by an answer observed well after it, and the tombstone is gone', async () => {
    const id = await makeErased();
    const answer = answerOf(id, T0 + 1, RESTORED_AT, { first_name: 'Back' });
    expect(await findNews(table.db, [answer])).toEqual({ newer: new Set([id]), stale: new Set() });
    expect(await table.apply(answer, 'reconcile')).toBe('restored');
    expect(await table.row(id)).toMatchObject({
      firstName: 'Back',
      deletedAt: null,
      restoredAt: new Date(RESTORED_AT),
      revision: 3,
      lastOutcome: 'restored',
    });
    expect(await tombstone(id)).toBeNull();
    expect((await table.changes(id)).map(({ kind, revision }) => [kind, revision])).toEqual([
      ['created', 1],
      ['deleted', 2],
      ['restored', 3],
    ]);
    expect(await table.remove(id, RESTORED_AT)).toBe('stale');
    expect(await table.remove(id, RESTORED_AT + 1)).toBe('deleted');
    expect(await erase('hard', [id])).toBe(1);
    expect(await tombstone(id)).toMatchObject({ revision: 4, restoredAt: new Date(RESTORED_AT) });
  });

  test('a deletion of a user erased changes nothing, by an event or by absence', async () => {
    const id = await makeErased();
    const before = await tombstone(id);
    for (const how of [{}, { observedVia: 'api', writer: 'reconcile', markUnknown: false }] as const) {
      for (const deletedAtMs of [T0, T0 + 100, T0 + 500]) {
        expect(await table.remove(id, deletedAtMs, how)).toBe('unchanged');
      }
    }
    expect(await isRow(id)).toBe(false);
    expect(await tombstone(id)).toEqual(before);
  });

  test('a user never seen here leaves a tombstone only', async () => {
    const id = newUserId();
    await table.remove(id, T0 + 100);
    expect(await erase('hard', [id])).toBe(1);
    expect(await isRow(id)).toBe(false);
    expect(await tombstone(id)).toMatchObject({ deletedAt: new Date(T0 + 100), revision: 1 });
    expect(await table.apply(snapshotOf(id, T0))).toBe('stale');
  });
});

describe('a row that the application refuses to let go', () => {
  afterEach(() => table.db.$executeRaw`DROP TABLE own_orders`);

  test('is named, and stays as it was', async () => {
    const ids = [await makeDeleted(), await makeDeleted(), await makeDeleted()];
    await table.db
      .$executeRaw`CREATE TABLE own_orders (user_id text COLLATE "C" CONSTRAINT own_user REFERENCES users (clerk_id))`;
    await table.db.$executeRaw`INSERT INTO own_orders VALUES (${ids[1]})`;
    const refusal = (whom?: string) => ({
      type: 'ROW_REJECTED',
      message: expect.stringContaining(`Erasing ${whom}. SQLSTATE 23503, constraint own_user`),
    });
    await expect(erase('hard')).rejects.toMatchObject(refusal('deleted users'));
    await expect(erase('hard', [ids[1] ?? ''])).rejects.toMatchObject(refusal(ids[1]));
    expect(await Promise.all(ids.map(isRow))).toEqual([true, true, true]);
    expect(await erase('anonymise')).toBe(3);
  });
});
