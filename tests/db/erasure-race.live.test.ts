import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Client } from 'pg';
import { applyDeletions } from '../../src/db/apply-deletions.js';
import { applySnapshots } from '../../src/db/apply-snapshots.js';
import { connectDatabase } from '../../src/db/database.js';
import { eraseDeletedUsers } from '../../src/db/erase-deleted-users.js';
import { RESTORE_AFTER_MS } from '../../src/user-change.js';
import { waitUntil } from '../support/wait-until.js';
import { answerOf, snapshotOf, T0 } from './snapshot-of.js';
import { openUsersTable, type UsersTable } from './users-table.js';

const GATE = 42;

let table: UsersTable;
let gate: Client;
let users = 0;
const newUserId = () => `user_race${++users}`;

/** A statement of the writer `operator` has read the tables and then stands still before it writes, while the gate is shut. */
beforeAll(async () => {
  table = await openUsersTable(6);
  gate = new Client({ connectionString: table.database.url });
  await gate.connect();
  await gate.query(`
    CREATE FUNCTION pass_gate() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN PERFORM pg_advisory_xact_lock_shared(${GATE}); RETURN NEW; END $$;
    CREATE TRIGGER stands_still BEFORE INSERT ON users FOR EACH ROW WHEN (NEW.synced_by = 'operator') EXECUTE FUNCTION pass_gate();
    CREATE TRIGGER stands_still BEFORE INSERT ON user_tombstones FOR EACH ROW EXECUTE FUNCTION pass_gate()`);
});
afterAll(async () => {
  await gate.end();
  await table.close();
});

const shut = () => gate.query('SELECT pg_advisory_lock($1)', [GATE]);
const open = () => gate.query('SELECT pg_advisory_unlock($1)', [GATE]);
const erase = (id: string) =>
  eraseDeletedUsers(table.db, { mode: 'hard', holdbackMs: 0, clerkUserIds: [id] });
const isRow = async (id: string) => (await table.db.user.count({ where: { clerkId: id } })) === 1;
const tombstone = (id: string) => table.db.userTombstone.findUnique({ where: { clerkId: id } });

async function waiting(): Promise<number> {
  const { rows } = await gate.query<{ count: number }>(
    `SELECT count(DISTINCT pid)::int AS count FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND datname = current_database()`,
  );
  return rows[0]?.count ?? 0;
}

/** Starts work, and returns once it waits as the so-manieth for a lock, or is done. */
async function started<Result>(work: Promise<Result>, count: number): Promise<{ result: Promise<Result> }> {
  let isDone = false;
  const done = () => {
    isDone = true;
  };
  work.then(done, done);
  await waitUntil(async () => isDone || (await waiting()) >= count, {
    describe: `${count} to wait for locks`,
  });
  return { result: work };
}

describe('while a user is deleted and erased', () => {
  test.each(['known', 'unknown'])(
    'a snapshot of a user %s before, read as alive, leaves no row',
    async (known) => {
      const id = newUserId();
      if (known === 'known') await table.apply(snapshotOf(id, T0));
      await shut();
      const writing = await started(
        table.apply(snapshotOf(id, T0 + 50, { first_name: 'Late' }), 'operator'),
        1,
      );
      expect(await table.remove(id, T0 + 100)).toBe('deleted');
      const erasing = await started(erase(id), 2);
      await open();
      expect(await writing.result).toBe('stale');
      expect(await erasing.result).toBe(1);
      expect(await isRow(id)).toBe(false);
      expect(await tombstone(id)).toMatchObject({ deletedAt: new Date(T0 + 100) });
    },
  );

  test('another deletion, which read the row as alive, leaves no second tombstone', async () => {
    const id = newUserId();
    await table.apply(snapshotOf(id, T0));
    await shut();
    const options = { observedVia: 'webhook', writer: 'operator', markUnknown: true } as const;
    const deletion = { clerkUserId: id, deletedAtMs: T0 + 100 };
    const deleting = await started(applyDeletions(table.db, [deletion], options), 1);
    expect(await table.remove(id, T0 + 90)).toBe('deleted');
    const erasing = await started(erase(id), 2);
    await open();
    expect(await deleting.result).toEqual([{ clerkUserId: id, outcome: 'stale', drift: null }]);
    expect(await erasing.result).toBe(1);
    expect(await isRow(id)).toBe(false);
    expect(await tombstone(id)).toMatchObject({ deletedAt: new Date(T0 + 90), revision: 2 });
    expect(await table.changes(id)).toHaveLength(2);
  });

  test('an answer that restores the user waits, continues the revision and ends the tombstone', async () => {
    const id = newUserId();
    await table.apply(snapshotOf(id, T0));
    await table.remove(id, T0 + 100);
    await shut();
    const erasing = await started(erase(id), 1);
    const restoring = await started(
      table.apply(answerOf(id, T0, T0 + 100 + RESTORE_AFTER_MS + 1), 'reconcile'),
      2,
    );
    await open();
    expect(await erasing.result).toBe(1);
    expect(await restoring.result).toBe('restored');
    expect(await table.row(id)).toMatchObject({ revision: 3, deletedAt: null, lastOutcome: 'restored' });
    expect(await tombstone(id)).toBeNull();
  });

  test('a user restored meanwhile stays', async () => {
    const id = newUserId();
    await table.apply(snapshotOf(id, T0));
    await table.remove(id, T0 + 100);
    await shut();
    const answer = answerOf(id, T0, T0 + 100 + RESTORE_AFTER_MS + 1);
    const restoring = await started(table.apply(answer, 'operator'), 1);
    const erasing = await started(erase(id), 2);
    await open();
    expect(await restoring.result).toBe('restored');
    expect(await erasing.result).toBe(0);
    expect(await table.row(id)).toMatchObject({ deletedAt: null, revision: 3 });
    expect(await tombstone(id)).toBeNull();
  });
});

test.each(['anonymise', 'hard'] as const)(
  'a row that somebody is just restoring is not erased by %s',
  async (mode) => {
    const id = newUserId();
    await table.apply(snapshotOf(id, T0));
    await table.remove(id, T0 + 100);
    await gate.query('BEGIN');
    await gate.query('UPDATE users SET deleted_at = NULL WHERE clerk_id = $1', [id]);
    // Without ids there is always a next time, so nobody is waited for.
    await eraseDeletedUsers(table.db, { mode, holdbackMs: 0 });
    const erasing = await started(
      eraseDeletedUsers(table.db, { mode, holdbackMs: 0, clerkUserIds: [id] }),
      1,
    );
    await gate.query('COMMIT');
    expect(await erasing.result).toBe(0);
    expect(await table.row(id)).toMatchObject({ firstName: 'Ada', deletedAt: null });
  },
);

describe('the lock', () => {
  test('lets nobody wait longer than a statement may take', async () => {
    const impatient = connectDatabase({ url: table.database.url, poolSize: 2, statementTimeoutMs: 200 });
    try {
      await gate.query('SELECT pg_advisory_lock(2026112101)');
      const unavailable = {
        type: 'POSTGRES_UNAVAILABLE',
        message: expect.stringMatching(/SQLSTATE (55P03|57014)/),
      };
      await expect(applySnapshots(impatient, [snapshotOf(newUserId(), T0)], 'webhook')).rejects.toMatchObject(
        unavailable,
      );
      await expect(
        eraseDeletedUsers(impatient, { mode: 'hard', holdbackMs: 0, clerkUserIds: ['user_nobody'] }),
      ).rejects.toMatchObject(unavailable);
      expect(await waiting()).toBe(0);
    } finally {
      await gate.query('SELECT pg_advisory_unlock(2026112101)');
      await impatient.$disconnect();
    }
  });

  test('is not asked for when there is nobody to be erased', async () => {
    await gate.query('SELECT pg_advisory_lock(2026112101)');
    try {
      expect(await eraseDeletedUsers(table.db, { mode: 'hard', holdbackMs: 0 })).toBe(0);
    } finally {
      await gate.query('SELECT pg_advisory_unlock(2026112101)');
    }
  });

  test.each(['repeatable read', 'serializable'])(
    'orders erasures where transactions are %s by default, and hard deletion erases',
    async (isolation) => {
      const id = newUserId();
      await table.remove(id, T0);
      const url = new URL(table.database.url);
      url.searchParams.set('options', `-c default_transaction_isolation=${isolation.replace(' ', '\\ ')}`);
      const isolated = connectDatabase({ url: url.href.replaceAll('+', '%20'), poolSize: 1 });
      try {
        expect(await eraseDeletedUsers(isolated, { mode: 'hard', holdbackMs: 0, clerkUserIds: [id] })).toBe(
          1,
        );
      } finally {
        await isolated.$disconnect();
      }
      expect(await isRow(id)).toBe(false);
    },
  );
});
