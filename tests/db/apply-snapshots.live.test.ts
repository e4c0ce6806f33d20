import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../src/user-change.js';
import { answerOf, snapshotOf, T0 } from './snapshot-of.js';
import { openUsersTable, type UsersTable } from './users-table.js';

let table: UsersTable;
let users = 0;
const newUserId = () => `user_snapshot${++users}`;

beforeAll(async () => {
  table = await openUsersTable();
});
afterAll(() => table.close());

describe('a snapshot', () => {
  test('of a user never seen is created, with every column and who wrote it', async () => {
    const id = newUserId();
    const snapshot = snapshotOf(id, T0, {
      username: 'ada',
      external_id: 'ext_1',
      banned: true,
      locked: true,
      deprovisioned: true,
      last_sign_in_at: T0 - 5,
      primary_phone_number_id: 'idn_p',
      phone_numbers: [{ id: 'idn_p', phone_number: '+15550100' }],
      public_metadata: { plan: { seats: [1, 2.5, null] } },
    });
    expect(await table.apply(snapshot)).toBe('created');
    expect(await table.row(id)).toEqual({
      clerkId: id,
      email: `${id}@example.com`,
      emailWithheld: null,
      emailVerified: true,
      phone: '+15550100',
      username: 'ada',
      firstName: 'Ada',
      lastName: 'Lovelace',
      name: 'Ada Lovelace',
      avatarUrl: 'https://img.example.com/ada',
      externalId: 'ext_1',
      banned: true,
      locked: true,
      deprovisioned: true,
      publicMetadata: { plan: { seats: [1, 2.5, null] } },
      raw: snapshot.raw,
      lastSignInAt: new Date(T0 - 5),
      clerkCreatedAt: new Date(1_700_000_000_000),
      clerkUpdatedAt: new Date(T0),
      observedAt: new Date(T0 + 7),
      observedVia: 'webhook',
      contentHash: snapshot.contentHash,
      syncedAt: expect.any(Date),
      syncedBy: 'webhook',
      lastOutcome: 'created',
      lastChangedFields: [],
      revision: 1,
      deletedAt: null,
      restoredAt: null,
    });
    expect(await table.changes(id)).toMatchObject([
      {
        revision: 1,
        kind: 'created',
        writer: 'webhook',
        clerkUpdatedAt: new Date(T0),
        observedAt: new Date(T0 + 7),
        changedFields: [],
      },
    ]);
  });

  test('that is newer and differs updates every column, and the log says which fields, never their values', async () => {
    const id = newUserId();
    await table.apply(snapshotOf(id, T0, { locale: 'en', public_metadata: { plan: 'free' } }));
    const later = snapshotOf(id, T0 + 1, {
      first_name: 'Grace',
      primary_email_address_id: null,
      locale: 'fr',
      public_metadata: { plan: 'secret-plan' },
    });
    expect(await table.apply(later, 'reconcile')).toBe('updated');
    expect(await table.row(id)).toMatchObject({
      firstName: 'Grace',
      name: 'Grace Lovelace',
      email: null,
      emailVerified: false,
      publicMetadata: { plan: 'secret-plan' },
      raw: later.raw,
      clerkUpdatedAt: new Date(T0 + 1),
      syncedBy: 'reconcile',
      lastOutcome: 'updated',
      revision: 2,
    });
    const [, change] = await table.changes(id);
    expect(change).toMatchObject({ kind: 'updated', writer: 'reconcile', revision: 2 });
    expect(change?.changedFields.toSorted()).toEqual([
      'email',
      'emailVerified',
      'firstName',
      'locale',
      'name',
      'primary_email_address_id',
      'publicMetadata',
    ]);
    expect(
      JSON.stringify(await table.db.$queryRaw`SELECT to_jsonb(user_changes) AS change FROM user_changes`),
    ).not.toMatch(/secret-plan|grace|lovelace|example\.com/i);
  });

  test('that is older is stale, and leaves the row unchanged', async () => {
    const id = newUserId();
    await table.apply(snapshotOf(id, T0, { first_name: 'New' }));
    const before = await table.writing(id);
    expect(await table.apply(snapshotOf(id, T0 - 1, { first_name: 'Old' }))).toBe('stale');
    expect(await table.writing(id)).toEqual(before);
    expect(await table.changes(id)).toHaveLength(1);
  });

  test("as old by Clerk's clock is decided by when it was observed", async () => {
    const id = newUserId();
    const observed = (observedAtMs: number, first_name: string) =>
      snapshotOf(id, T0, { first_name }, { observedAtMs });
    await table.apply(observed(T0 + 10, 'At 10'));
    expect(await table.apply(observed(T0 + 9, 'At 9'))).toBe('stale');
    expect(await table.apply(observed(T0 + 10, 'Also at 10'))).toBe('stale');
    expect(await table.row(id)).toMatchObject({ firstName: 'At 10' });
    expect(await table.apply(observed(T0 + 11, 'At 11'))).toBe('updated');
    expect(await table.row(id)).toMatchObject({ firstName: 'At 11', observedAt: new Date(T0 + 11) });
  });

  test("newer, but observed earlier, is applied: Clerk's clock comes first", async () => {
    const id = newUserId();
    await table.apply(snapshotOf(id, T0, {}, { observedAtMs: T0 + 1_000 }));
    expect(
      await table.apply(snapshotOf(id, T0 + 1, { first_name: 'Grace' }, { observedAtMs: T0 + 500 })),
    ).toBe('updated');
    expect(await table.row(id)).toMatchObject({ firstName: 'Grace', observedAt: new Date(T0 + 500) });
  });

  test('newer with equal content is unchanged: the version moves, the revision and the log do not', async () => {
    const id = newUserId();
    await table.apply(snapshotOf(id, T0));
    expect(await table.apply(snapshotOf(id, T0 + 1))).toBe('unchanged');
    expect(await table.row(id)).toMatchObject({
      clerkUpdatedAt: new Date(T0 + 1),
      observedAt: new Date(T0 + 8),
      revision: 1,
      lastOutcome: 'unchanged',
      lastChangedFields: [],
    });
    expect(await table.changes(id)).toHaveLength(1);
    // The version counts: what lies between is old now.
    expect(await table.apply(snapshotOf(id, T0, { first_name: 'Late' }, { observedAtMs: T0 + 99 }))).toBe(
      'stale',
    );
  });

  test('that says nothing new, even observed later, does not rewrite the row', async () => {
    const id = newUserId();
    const snapshot = snapshotOf(id, T0);
    await table.apply(snapshot);
    const before = await table.writing(id);
    expect(await table.apply(snapshot)).toBe('unchanged');
    expect(await table.apply({ ...snapshot, observedAtMs: T0 + 60_000 })).toBe('unchanged');
    expect(await table.writing(id)).toEqual(before);
    expect(await table.changes(id)).toHaveLength(1);
  });

  test('with a later sign-in or lock is written, and is unchanged all the same', async () => {
    const id = newUserId();
    const observed = (observedAtMs: number, fields: JsonObject) =>
      snapshotOf(id, T0, fields, { observedAtMs });
    await table.apply(observed(T0 + 1, {}));
    expect(await table.apply(observed(T0 + 2, { last_sign_in_at: T0 }))).toBe('unchanged');
    expect(await table.row(id)).toMatchObject({ lastSignInAt: new Date(T0), locked: false });
    expect(await table.apply(observed(T0 + 3, { last_sign_in_at: T0, locked: true }))).toBe('unchanged');
    expect(await table.row(id)).toMatchObject({ locked: true, observedAt: new Date(T0 + 3), revision: 1 });
    expect(await table.changes(id)).toHaveLength(1);
  });
});

describe('`scim`, which only webhooks carry', () => {
  test('outlives an answer of the API without it, and its absence there is no difference', async () => {
    const id = newUserId();
    const scim = { connection: 'c1' };
    await table.apply(snapshotOf(id, T0, { scim }));
    expect(await table.apply(answerOf(id, T0, T0 + 50), 'reconcile')).toBe('unchanged');
    expect(await table.apply(answerOf(id, T0 + 60, T0 + 61, { first_name: 'Grace' }), 'reconcile')).toBe(
      'updated',
    );
    expect(await table.row(id)).toMatchObject({ firstName: 'Grace', raw: { first_name: 'Grace', scim } });
  });

  test("is replaced by a newer webhook's", async () => {
    const id = newUserId();
    await table.apply(snapshotOf(id, T0, { scim: { connection: 'c1' } }));
    expect(await table.apply(snapshotOf(id, T0 + 1, { scim: { connection: 'c2' } }))).toBe('unchanged');
    expect(await table.row(id)).toMatchObject({ raw: { scim: { connection: 'c2' } } });
  });
});
