import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Client } from 'pg';
import { applyDeletions } from '../../src/db/apply-deletions.js';
import { applySnapshots } from '../../src/db/apply-snapshots.js';
import { findHooksToOffer, markOffered } from '../../src/db/offered-hooks.js';
import { listPendingHooks, noteHookFailure } from '../../src/db/pending-hooks.js';
import { turnOnHooks } from '../../src/db/turn-on-hooks.js';
import type { Writer } from '../../src/user-change.js';
import { connectedDatabase } from '../support/connected-database.js';
import { snapshotOf, T0 } from './snapshot-of.js';

const connected = connectedDatabase(5);
const LIMITS = { most: 10, mostOpen: 5, againAfterMs: 60_000 };

const write = (id: string, ms = 0) =>
  applySnapshots(connected.db, [snapshotOf(id, T0 + ms, { first_name: `Name ${ms}` })], 'webhook');
const noted = async () =>
  (await connected.db.pendingHook.findMany({ orderBy: { changeId: 'asc' } })).map(({ clerkId }) => clerkId);
const due = async (limits = LIMITS) =>
  (await findHooksToOffer(connected.db, limits)).map(({ clerkUserId }) => clerkUserId);
const offer = async () => markOffered(connected.db, await findHooksToOffer(connected.db, LIMITS));

beforeEach(() => turnOnHooks(connected.db, false));
afterEach(
  () => connected.db.$executeRaw`TRUNCATE hooks_switch, pending_hooks, users, user_changes, reconcile_runs`,
);

describe('what is noted for hooks', () => {
  test('is nothing while they are off, and nothing of what was written before they were on', async () => {
    await connected.db.hooksSwitch.deleteMany();
    await write('user_a');
    await write('user_a', 1);
    expect(await noted()).toEqual([]);
    await turnOnHooks(connected.db, false);
    expect(await noted()).toEqual([]);
    await write('user_a', 2);
    expect(await noted()).toEqual(['user_a']);
  });

  test('is every change, whoever writes it, and no write without one', async () => {
    const page = ['user_a', 'user_b'].map((id) => snapshotOf(id, T0));
    await applySnapshots(connected.db, page, 'reconcile');
    await applySnapshots(connected.db, page, 'sign-in');
    await write('user_a', 1);
    await applyDeletions(connected.db, [{ clerkUserId: 'user_b', deletedAtMs: T0 + 50 }], {
      observedVia: 'api',
      writer: 'reconcile',
      markUnknown: false,
    });
    expect((await noted()).sort()).toEqual(['user_a', 'user_a', 'user_b', 'user_b']);
    expect(await listPendingHooks(connected.db, 'user_b', 10)).toMatchObject([
      { kind: 'created', revision: 1 },
      { kind: 'deleted', revision: 2 },
    ]);
  });

  test('is nothing of a transaction that was rolled back', async () => {
    const other = new Client({ connectionString: connected.database.url });
    await other.connect();
    await other.query('BEGIN');
    await other.query(
      `INSERT INTO user_changes (clerk_id, revision, kind, writer, clerk_updated_at, observed_at, changed_at)
       VALUES ('user_a', 1, 'created', 'sign-in', now(), now(), now())`,
    );
    await other.query('ROLLBACK');
    await other.end();
    expect(await noted()).toEqual([]);
  });
});

describe('where existing users are skipped', () => {
  const created = (id: string, createdAt: Date, writer: Writer) =>
    applySnapshots(connected.db, [snapshotOf(id, T0, { created_at: createdAt.getTime() })], writer);
  const turnedOn = async () => {
    await connected.db.hooksSwitch.deleteMany();
    await turnOnHooks(connected.db, true);
    const { onSince } = await connected.db.hooksSwitch.findFirstOrThrow();
    return { before: new Date(onSince.getTime() - 1000), after: new Date(onSince.getTime() + 1000) };
  };

  test('those whom Clerk had before are not noted when the first sweep creates their rows', async () => {
    const { before, after } = await turnedOn();
    await created('user_existing', before, 'reconcile');
    await created('user_new', after, 'reconcile');
    await created('user_by_webhook', before, 'webhook');
    expect(await noted()).toEqual(['user_new', 'user_by_webhook']);
    await write('user_existing', 1);
    expect(await noted()).toContain('user_existing');
  });

  test('nobody is skipped any more once a sweep that began since is through: imported users are news', async () => {
    const { before, after } = await turnedOn();
    const sweep = (id: string, status: string, startedAt: Date) =>
      connected.db.reconcileRun.create({ data: { id, kind: 'sweep', status, startedAt } });
    await sweep('earlier', 'completed', before);
    await sweep('current', 'running', after);
    await created('user_existing', before, 'reconcile');
    expect(await noted()).toEqual([]);
    await connected.db.reconcileRun.update({ where: { id: 'current' }, data: { status: 'completed' } });
    await created('user_imported', before, 'reconcile');
    expect(await noted()).toEqual(['user_imported']);
  });
});

describe('users to offer', () => {
  test('are those with a change that was not offered, the longest waiting first, each once', async () => {
    for (const [id, ms] of [['user_c'], ['user_a'], ['user_c', 1], ['user_b']] as [string, number?][])
      await write(id, ms);
    expect(await due()).toEqual(['user_a', 'user_c', 'user_b']);
    await offer();
    expect(await due()).toEqual([]);
    await write('user_b', 1);
    expect(await due()).toEqual(['user_b']);
  });

  test('are not marked with a change that came after the look', async () => {
    await write('user_a');
    const seen = await findHooksToOffer(connected.db, LIMITS);
    await write('user_b');
    await write('user_a', 1);
    await markOffered(connected.db, seen);
    expect((await due()).sort()).toEqual(['user_a', 'user_b']);
  });

  test('are offered again when nothing came of it in time', async () => {
    await write('user_a');
    await offer();
    await connected.db.$executeRaw`UPDATE pending_hooks SET offered_at = offered_at - interval '61 seconds'`;
    expect(await due()).toEqual(['user_a']);
  });

  test('do not wait for changes that were removed from the log, once those were looked for', async () => {
    const ids = Array.from({ length: 5 }, (_, n) => `user_${n}`);
    for (const id of ids) await write(id);
    await connected.db.$executeRaw`TRUNCATE user_changes`;
    await offer();
    await write('user_5');
    expect(await due()).toEqual([]);
    for (const id of ids) expect(await listPendingHooks(connected.db, id, 10)).toEqual([]);
    expect(await noted()).toEqual(['user_5']);
    expect(await due()).toEqual(['user_5']);
  });

  test('wait while enough is in hand; those whose hooks fail take nobody’s place', async () => {
    const ids = Array.from({ length: 6 }, (_, n) => `user_${n}`);
    for (const id of ids.slice(0, 5)) await write(id);
    await offer();
    await write('user_5');
    expect(await due()).toEqual([]);
    const [first] = await listPendingHooks(connected.db, 'user_0', 1);
    if (first === undefined) throw new Error('user_0 has a pending change.');
    await noteHookFailure(connected.db, first, 'It failed.');
    expect(await due()).toEqual(['user_5']);
  });
});
