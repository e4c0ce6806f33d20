import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { applyDeletions } from '../../src/db/apply-deletions.js';
import { RESTORE_AFTER_MS } from '../../src/user-change.js';
import { answerOf, snapshotOf, T0 } from './snapshot-of.js';
import { openUsersTable, type UsersTable } from './users-table.js';

let table: UsersTable;
let users = 0;
const newUserId = () => `user_gone${++users}`;

beforeAll(async () => {
  table = await openUsersTable();
});
afterAll(() => table.close());

/** How a reconcile deletes: it asked, and the user was not there. */
const absence = { observedVia: 'api', writer: 'reconcile', markUnknown: false } as const;

async function createdAt(updatedAtMs: number, observedAtMs = updatedAtMs + 7): Promise<string> {
  const id = newUserId();
  await table.apply(answerOf(id, updatedAtMs, observedAtMs));
  return id;
}

describe('a deletion', () => {
  test('marks the row, keeps what it says about the user, and is logged', async () => {
    const id = await createdAt(T0);
    const alive = await table.row(id);
    expect(await table.remove(id, T0 + 100)).toBe('deleted');
    expect(await table.row(id)).toEqual({
      ...alive,
      deletedAt: new Date(T0 + 100),
      revision: 2,
      lastOutcome: 'deleted',
      lastChangedFields: [],
      syncedAt: expect.any(Date),
      syncedBy: 'webhook',
    });
    expect((await table.changes(id))[1]).toMatchObject({
      kind: 'deleted',
      writer: 'webhook',
      revision: 2,
      clerkUpdatedAt: new Date(T0),
      observedAt: new Date(T0 + 100),
      changedFields: [],
    });
  });

  test('that is repeated, later or earlier, leaves the tombstone as it is', async () => {
    const id = await createdAt(T0);
    await table.remove(id, T0 + 100);
    const before = await table.writing(id);
    for (const deletedAtMs of [T0 + 100, T0 + 50, T0 + 500]) {
      expect(await table.remove(id, deletedAtMs)).toBe('unchanged');
      expect(await table.remove(id, deletedAtMs, absence)).toBe('unchanged');
    }
    expect(await table.writing(id)).toEqual(before);
    expect(await table.changes(id)).toHaveLength(2);
  });

  test('older than the restoration is stale; a later one holds', async () => {
    const id = await createdAt(T0);
    await table.remove(id, T0 + 100);
    const restoredAt = T0 + 100 + RESTORE_AFTER_MS + 1;
    expect(await table.apply(answerOf(id, T0, restoredAt), 'reconcile')).toBe('restored');
    for (const how of [{}, absence]) {
      expect(await table.remove(id, T0 + 150, how)).toBe('stale');
      expect(await table.remove(id, restoredAt, how)).toBe('stale');
    }
    expect(await table.row(id)).toMatchObject({ deletedAt: null, lastOutcome: 'restored' });
    expect(await table.remove(id, restoredAt + 1)).toBe('deleted');
    expect(await table.row(id)).toMatchObject({ deletedAt: new Date(restoredAt + 1), revision: 4 });
  });
});

describe("Clerk's event", () => {
  test('outranks what was observed after it: an answer may have been under way', async () => {
    const id = await createdAt(T0, T0 + 1_000);
    expect(await table.remove(id, T0 + 10)).toBe('deleted');
  });

  test('of the same millisecond as the last update deletes; an earlier one is stale', async () => {
    const id = await createdAt(T0);
    const before = await table.writing(id);
    expect(await table.remove(id, T0 - 1)).toBe('stale');
    expect(await table.writing(id)).toEqual(before);
    expect(await table.remove(id, T0)).toBe('deleted');
  });
});

describe('an absence that we found ourselves', () => {
  test('deletes when it was observed after the row was', async () => {
    const id = await createdAt(T0, T0 + 50);
    expect(await table.remove(id, T0 + 51, absence)).toBe('deleted');
    expect(await table.row(id)).toMatchObject({ deletedAt: new Date(T0 + 51), syncedBy: 'reconcile' });
  });

  test('is stale when the user was seen since', async () => {
    const id = await createdAt(T0, T0 + 50);
    expect(await table.remove(id, T0 + 49, absence)).toBe('stale');
    expect(await table.row(id)).toMatchObject({ deletedAt: null, revision: 1 });
  });
});

describe('of a user never seen here', () => {
  test('an event leaves a tombstone without personal data, which no late update revives', async () => {
    const id = newUserId();
    expect(await table.remove(id, T0 + 100)).toBe('deleted');
    expect(await table.row(id)).toMatchObject({
      email: null,
      name: null,
      raw: {},
      publicMetadata: {},
      contentHash: '',
      clerkUpdatedAt: new Date(T0 + 100),
      observedAt: new Date(T0 + 100),
      deletedAt: new Date(T0 + 100),
      clerkCreatedAt: null,
      revision: 1,
    });
    expect(await table.changes(id)).toMatchObject([{ kind: 'deleted', revision: 1 }]);
    expect(await table.apply(snapshotOf(id, T0))).toBe('stale');
  });

  test('an absence is ignored, and leaves nothing', async () => {
    const id = newUserId();
    expect(await table.remove(id, T0, absence)).toBe('ignored');
    expect(await table.db.user.count({ where: { clerkId: id } })).toBe(0);
    expect(await table.changes(id)).toEqual([]);
  });
});

describe('many in one statement', () => {
  test('no deletions are no outcome', async () => {
    expect(await applyDeletions(table.db, [], absence)).toEqual([]);
  });

  test('each user has an outcome of its own; of two deletions of one user the later counts', async () => {
    const [alive, seenSince, gone, unknown] = [
      await createdAt(T0),
      await createdAt(T0, T0 + 900),
      await createdAt(T0),
      newUserId(),
    ];
    await table.remove(gone, T0 + 10);
    const deletions = [
      [alive, T0 + 100],
      [gone, T0 + 100],
      [alive, T0 + 200],
      [unknown, T0 + 100],
      [seenSince, T0 + 100],
    ] as const;
    const outcomes = await applyDeletions(
      table.db,
      deletions.map(([clerkUserId, deletedAtMs]) => ({ clerkUserId, deletedAtMs })),
      absence,
    );
    expect(Object.fromEntries(outcomes.map(({ clerkUserId, outcome }) => [clerkUserId, outcome]))).toEqual({
      [alive]: 'deleted',
      [gone]: 'unchanged',
      [unknown]: 'ignored',
      [seenSince]: 'stale',
    });
    expect(outcomes).toHaveLength(4);
    expect(await table.row(alive)).toMatchObject({ deletedAt: new Date(T0 + 200), revision: 2 });
  });
});
