import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { applyDeletions } from '../../src/db/apply-deletions.js';
import type { Prisma } from '../../src/db/generated/client.js';
import { RESTORE_AFTER_MS, type Writer } from '../../src/user-change.js';
import { answerOf, snapshotOf, T0 } from './snapshot-of.js';
import { openUsersTable, type UsersTable } from './users-table.js';

/** When the users of these tests were created, by Clerk's word. */
const CREATED_AT = 1_700_000_000_000;

let table: UsersTable;
let users = 0;
const newUserId = () => `user_drift${++users}`;

beforeAll(async () => {
  table = await openUsersTable();
});
afterAll(() => table.close());
beforeEach(async () => {
  await table.db.reconcileRun.deleteMany();
});

let runs = 0;
const ranSweep = (
  startedAtMs: number,
  finishedAtMs: number | null,
  other: Partial<Prisma.ReconcileRunCreateInput> = {},
) =>
  table.db.reconcileRun.create({
    data: {
      id: `run${++runs}`,
      kind: 'sweep',
      status: 'completed',
      startedAt: new Date(startedAtMs),
      finishedAt: finishedAtMs === null ? null : new Date(finishedAtMs),
      ...other,
    },
  });
const lastChange = async (id: string) => (await table.changes(id)).at(-1);
const drift = async (id: string) => {
  const change = await lastChange(id);
  return [change?.drift, change?.driftSince?.getTime()];
};

describe('what a reconcile writes is labelled', () => {
  test("missed_create since the user's creation, when there was no row", async () => {
    const id = newUserId();
    await table.apply(answerOf(id, T0, T0 + 900), 'reconcile');
    expect(await drift(id)).toEqual(['missed_create', CREATED_AT]);
  });

  test("missed_update since Clerk's last change, when the content was another", async () => {
    const id = newUserId();
    await table.apply(snapshotOf(id, T0));
    await table.apply(answerOf(id, T0 + 50, T0 + 900, { first_name: 'Grace' }), 'reconcile');
    expect(await drift(id)).toEqual(['missed_update', T0 + 50]);
  });

  test("missed_create since Clerk's last change, when a tombstone ended", async () => {
    const id = newUserId();
    await table.apply(snapshotOf(id, T0));
    await table.remove(id, T0 + 100);
    const restored = await table.apply(answerOf(id, T0 + 7, T0 + 101 + RESTORE_AFTER_MS), 'reconcile');
    expect(restored).toBe('restored');
    expect(await drift(id)).toEqual(['missed_create', T0 + 7]);
  });

  test.each<Writer>(['webhook', 'sign-in', 'operator'])('but nothing that %s writes', async (writer) => {
    const id = newUserId();
    await ranSweep(CREATED_AT + 60_001, CREATED_AT + 70_000);
    await table.apply(snapshotOf(id, T0), writer);
    await table.apply(snapshotOf(id, T0 + 1, { first_name: 'Grace' }), writer);
    const [result] = await applyDeletions(table.db, [{ clerkUserId: id, deletedAtMs: T0 + 100 }], {
      observedVia: 'webhook',
      writer,
      markUnknown: false,
    });
    expect(result).toEqual({ clerkUserId: id, outcome: 'deleted', drift: null });
    await table.apply(answerOf(id, T0, T0 + 101 + RESTORE_AFTER_MS), writer);
    const labels = (await table.changes(id)).map(({ kind, drift, driftSince }) => [kind, drift, driftSince]);
    expect(labels).toEqual(['created', 'updated', 'deleted', 'restored'].map((kind) => [kind, null, null]));
  });
});

test('a deletion that was found by absence is labelled, too, where an operator approved it', async () => {
  const id = newUserId();
  await table.apply(answerOf(id, T0, T0 + 900), 'sign-in');
  const how = { observedVia: 'api', writer: 'operator', markUnknown: false } as const;
  expect(await table.remove(id, T0 + 1_000, how)).toBe('deleted');
  expect(await lastChange(id)).toMatchObject({ writer: 'operator', drift: 'missed_delete' });
});

describe('a deletion that a reconcile found', () => {
  /** Seen last at T0 + 900. */
  const made = async (writer: Writer = 'webhook') => {
    const id = newUserId();
    await table.apply(answerOf(id, T0, T0 + 900), writer);
    return id;
  };
  const removed = async (id: string, deletedAtMs = T0 + 5_000) => {
    const options = { observedVia: 'api', writer: 'reconcile', markUnknown: false } as const;
    const [result] = await applyDeletions(table.db, [{ clerkUserId: id, deletedAtMs }], options);
    const [label, since] = await drift(id);
    expect(result).toEqual({ clerkUserId: id, outcome: 'deleted', drift: label });
    return [label, since];
  };

  test('is missed_delete since the user was last seen, when no sweep was completed', async () => {
    await ranSweep(T0 + 2_000, null, { status: 'running' });
    await ranSweep(T0 + 2_000, T0 + 2_100, { status: 'cancelled' });
    await ranSweep(T0 + 2_000, T0 + 2_100, { kind: 'delta' });
    expect(await removed(await made())).toEqual(['missed_delete', T0 + 900]);
  });

  test('is missed_delete since the last completed sweep started, when that was later', async () => {
    await ranSweep(T0 + 1_000, T0 + 1_100);
    await ranSweep(T0 + 2_000, T0 + 2_100);
    expect(await removed(await made('reconcile'))).toEqual(['missed_delete', T0 + 2_000]);
  });

  test('is dated no later than the deletion', async () => {
    await ranSweep(T0 + 6_000, T0 + 6_100);
    expect(await removed(await made('reconcile'))).toEqual(['missed_delete', T0 + 5_000]);
  });

  test('is a phantom, when a webhook made the row and a whole sweep before it had not listed the user', async () => {
    await ranSweep(CREATED_AT + 60_001, CREATED_AT + 70_000);
    const id = await made();
    await table.apply(answerOf(id, T0 + 1, T0 + 901, { first_name: 'Grace' }), 'webhook');
    expect(await removed(id)).toEqual(['phantom', T0 + 901]);
  });

  test.each<[string, () => Promise<unknown>, Writer]>([
    ['the sweep started within a minute of the creation', () => ranSweep(CREATED_AT + 60_000, T0), 'webhook'],
    ['the sweep ended after the row was made', () => ranSweep(T0, Date.now() + 3_600_000), 'webhook'],
    ['the sweep did not end', () => ranSweep(T0, null, { status: 'running' }), 'webhook'],
    ['the sweep was cancelled', () => ranSweep(T0, T0 + 100, { status: 'cancelled' }), 'webhook'],
    ['it was no sweep', () => ranSweep(T0, T0 + 100, { kind: 'delta' }), 'webhook'],
    ['a reconcile made the row', () => ranSweep(T0, T0 + 100), 'reconcile'],
  ])('is no phantom, when %s', async (_, ran, writer) => {
    await ran();
    expect((await removed(await made(writer)))[0]).toBe('missed_delete');
  });

  test('has no label when nothing is deleted', async () => {
    const id = await made();
    await table.remove(id, T0 + 2_000);
    const options = { observedVia: 'api', writer: 'reconcile', markUnknown: false } as const;
    const deletions = [id, 'user_nobody'].map((clerkUserId) => ({ clerkUserId, deletedAtMs: T0 + 5_000 }));
    const results = await applyDeletions(table.db, deletions, options);
    expect(results.map(({ outcome, drift }) => [outcome, drift]).sort()).toEqual([
      ['ignored', null],
      ['unchanged', null],
    ]);
  });
});
