import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { applyDeletions } from '../../src/db/apply-deletions.js';
import { applySnapshots } from '../../src/db/apply-snapshots.js';
import { findNews } from '../../src/db/find-news.js';
import type { Prisma } from '../../src/db/generated/client.js';
import {
  isNewer,
  type ObservedVia,
  RESTORE_AFTER_MS,
  type UserSnapshot,
  type Version,
} from '../../src/user-change.js';
import { LONG_TRANSACTION } from '../support/long-transaction.js';
import { waitUntil } from '../support/wait-until.js';
import { snapshotOf, T0 } from './snapshot-of.js';
import { openUsersTable, type UsersTable } from './users-table.js';

/** Pairs a statement, and statements a rule. A failure lists the pairs that went wrong, so nothing is gained by shrinking. */
const PAIRS = { minLength: 60, maxLength: 60 };
const RUNS = { numRuns: 5, endOnFailure: true };

let table: UsersTable;
beforeAll(async () => {
  table = await openUsersTable();
});
afterAll(() => table.close());

/** Few milliseconds, so that ties and neighbours are common; what else a state has, in as few letters. */
const ms = fc.nat(2).map((n) => T0 + n);
const via = fc.constantFrom<ObservedVia>('webhook', 'api');
const version = fc.record<Version>({ clerkUpdatedAtMs: ms, observedAtMs: ms });
const content = fc.record({
  name: fc.constantFrom('A', 'B'),
  locked: fc.boolean(),
  signedInMs: fc.constantFrom(null, T0),
});
const state = fc.record({ version, content, via });
type State = ReturnType<typeof state.generate>['value'];

function snapshot(
  id: string,
  {
    version: { clerkUpdatedAtMs, observedAtMs },
    content: { name, locked, signedInMs },
    via: observedVia,
  }: State,
): UserSnapshot {
  const fields = { first_name: name, locked, last_sign_in_at: signedInMs };
  return snapshotOf(id, clerkUpdatedAtMs, fields, { observedAtMs, observedVia });
}

/** A row as it would be after that state, and what followed it. */
function storedRow(
  id: string,
  state: State,
  times: { deletedAtMs?: number | null; restoredAtMs?: number | null } = {},
): Prisma.UserCreateManyInput {
  const { columns, contentHash, locked, lastSignInAtMs, raw } = snapshot(id, state);
  const { publicMetadata, ...others } = columns;
  const time = (at: number | null | undefined) => (at === null || at === undefined ? null : new Date(at));
  return {
    ...others,
    publicMetadata: publicMetadata as Prisma.InputJsonObject,
    clerkId: id,
    raw: raw as Prisma.InputJsonObject,
    contentHash,
    locked,
    lastSignInAt: time(lastSignInAtMs),
    clerkUpdatedAt: new Date(state.version.clerkUpdatedAtMs),
    observedAt: new Date(state.version.observedAtMs),
    observedVia: state.via,
    syncedAt: new Date(T0),
    syncedBy: 'reconcile',
    lastOutcome: 'stored',
    deletedAt: time(times.deletedAtMs),
    restoredAt: time(times.restoredAtMs),
  };
}

let made = 0;
const withIds = <Pair>(pairs: Pair[]) => pairs.map((pair) => ({ ...pair, id: `user_rule${++made}` }));

/**
 * Stores the rows and then writes, either in turn, or so that the writer has read the table before it had the rows and
 * only ON CONFLICT can decide.
 * @returns the ids of the rows that were written
 */
async function written(
  rows: Prisma.UserCreateManyInput[],
  order: 'in turn' | 'meanwhile',
  write: () => Promise<unknown>,
): Promise<Set<string>> {
  if (order === 'in turn') {
    await table.db.user.createMany({ data: rows });
    await write();
  } else {
    let writing: Promise<unknown> | undefined;
    await table.db.$transaction(async (transaction) => {
      await transaction.user.createMany({ data: rows });
      writing = write();
      writing.catch(() => undefined);
      await waitUntil(waitingForLock, { describe: 'the writer to wait for the rows' });
    }, LONG_TRANSACTION);
    await writing;
  }
  const found = await table.db.user.findMany({
    where: { clerkId: { in: rows.map(({ clerkId }) => clerkId) }, lastOutcome: { not: 'stored' } },
    select: { clerkId: true },
  });
  return new Set(found.map(({ clerkId }) => clerkId));
}

async function waitingForLock(): Promise<boolean> {
  const [found] = await table.db.$queryRaw<{ count: bigint }[]>`
    SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE NOT granted AND datname = current_database()`;
  return (found?.count ?? 0n) > 0n;
}

const differ = (a: State['content'], b: State['content']) =>
  a.name !== b.name || a.locked !== b.locked || a.signedInMs !== b.signedInMs;

/** The rule for the living: user-change.ts decides; of the same second by Clerk's clock, only what says something new is written. */
const snapshotIsDue = ({ stored, incoming }: { stored: State; incoming: State }) =>
  isNewer(incoming.version, stored.version) &&
  (incoming.version.clerkUpdatedAtMs !== stored.version.clerkUpdatedAtMs ||
    differ(incoming.content, stored.content));

describe.each(['in turn', 'meanwhile'] as const)('%s: a snapshot is written', (order) => {
  test('over a live row exactly when isNewer() says so and it has something to say', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ stored: state, incoming: state }), PAIRS), async (generated) => {
        const pairs = withIds(generated);
        const rows = pairs.map(({ id, stored }) => storedRow(id, stored));
        const incoming = pairs.map(({ id, incoming }) => snapshot(id, incoming));
        const writtenIds = await written(rows, order, () => applySnapshots(table.db, incoming, 'webhook'));
        expect(pairs.filter((pair) => writtenIds.has(pair.id) !== snapshotIsDue(pair))).toEqual([]);
      }),
      RUNS,
    );
  });

  test('over a tombstone exactly when it is an answer observed well after it', async () => {
    const deletedAtMs = ms.map((at) => at - RESTORE_AFTER_MS);
    const pair = fc.record({ stored: state, incoming: state, deletedAtMs });
    await fc.assert(
      fc.asyncProperty(fc.array(pair, PAIRS), async (generated) => {
        const pairs = withIds(generated);
        const rows = pairs.map(({ id, stored, deletedAtMs }) => storedRow(id, stored, { deletedAtMs }));
        const incoming = pairs.map(({ id, incoming }) => snapshot(id, incoming));
        const writtenIds = await written(rows, order, () => applySnapshots(table.db, incoming, 'webhook'));
        const isDue = ({ incoming: { via, version }, deletedAtMs }: (typeof pairs)[number]) =>
          via === 'api' && version.observedAtMs > deletedAtMs + RESTORE_AFTER_MS;
        expect(pairs.filter((pair) => writtenIds.has(pair.id) !== isDue(pair))).toEqual([]);
      }),
      RUNS,
    );
  });
});

test('over what is left of an erased user, a snapshot is written exactly when it would be over the tombstone', async () => {
  const deletedAtMs = ms.map((at) => at - RESTORE_AFTER_MS);
  const pair = fc.record({ incoming: state, deletedAtMs });
  await fc.assert(
    fc.asyncProperty(fc.array(pair, PAIRS), async (generated) => {
      const pairs = withIds(generated);
      await storeErased(pairs);
      const incoming = pairs.map(({ id, incoming }) => snapshot(id, incoming));
      const applied = await applySnapshots(table.db, incoming, 'webhook');
      const isDue = ({ incoming: { via, version }, deletedAtMs }: (typeof pairs)[number]) =>
        via === 'api' && version.observedAtMs > deletedAtMs + RESTORE_AFTER_MS;
      const due = pairs.filter(isDue).map(({ id }) => id);
      const restored = applied.filter(({ outcome }) => outcome === 'restored');
      expect(restored.map(({ clerkUserId }) => clerkUserId).sort()).toEqual(due.toSorted());
      const ids = pairs.map(({ id }) => id);
      const rows = await table.db.user.findMany({ where: { clerkId: { in: ids } } });
      expect(rows.map(({ clerkId }) => clerkId).sort()).toEqual(due.toSorted());
      expect(new Set(rows.map(({ revision }) => revision))).toEqual(new Set(due.length > 0 ? [8] : []));
      const left = await table.db.userTombstone.findMany({ where: { clerkId: { in: ids } } });
      expect(left.map(({ clerkId }) => clerkId).sort()).toEqual(
        ids.filter((id) => !due.includes(id)).toSorted(),
      );
    }),
    RUNS,
  );
});

/** What DELETION_MODE=hard leaves, of a seventh revision. */
async function storeErased(erased: { id: string; deletedAtMs: number }[]): Promise<void> {
  const data = erased.map(({ id, deletedAtMs }) => ({
    clerkId: id,
    deletedAt: new Date(deletedAtMs),
    revision: 7,
    erasedAt: new Date(T0),
  }));
  await table.db.userTombstone.createMany({ data });
}

/** What deletionApplies() promises. */
const deletionIsDue = ({ stored, deletedAtMs, restoredAtMs, goneAtMs, via }: DeletionPair) =>
  deletedAtMs === null &&
  (restoredAtMs === null || goneAtMs > restoredAtMs) &&
  goneAtMs >= (via === 'api' ? stored.version.observedAtMs : stored.version.clerkUpdatedAtMs);

const deletionPair = fc.record({
  stored: state,
  /** A tombstone already, in a third of all cases. */
  deletedAtMs: fc.option(ms, { nil: null, freq: 2 }),
  restoredAtMs: fc.option(ms, { nil: null }),
  goneAtMs: ms,
  via,
});
type DeletionPair = ReturnType<typeof deletionPair.generate>['value'];

describe.each(['in turn', 'meanwhile'] as const)('%s: a deletion is written', (order) => {
  test("when no restoration and, by an event, no later state of Clerk's, or by absence, no later sight of the user, is known", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(deletionPair, PAIRS), via, async (generated, observedVia) => {
        const pairs = withIds(generated.map((pair) => ({ ...pair, via: observedVia })));
        const rows = pairs.map(({ id, stored, ...times }) => storedRow(id, stored, times));
        const deletions = pairs.map(({ id, goneAtMs }) => ({ clerkUserId: id, deletedAtMs: goneAtMs }));
        const options = { observedVia, writer: 'webhook', markUnknown: true } as const;
        const writtenIds = await written(rows, order, () => applyDeletions(table.db, deletions, options));
        expect(pairs.filter((pair) => writtenIds.has(pair.id) !== deletionIsDue(pair))).toEqual([]);
      }),
      RUNS,
    );
  });
});

test('findNews() tells beforehand what applySnapshots() then writes, and what is stale', async () => {
  const pair = fc.record({
    stored: fc.option(state, { nil: null }),
    incoming: state,
    deletedAtMs: fc.option(
      ms.map((at) => at - RESTORE_AFTER_MS),
      { nil: null },
    ),
    isErased: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(pair, PAIRS), async (generated) => {
      const pairs = withIds(generated);
      const rows = pairs.flatMap(({ id, stored, deletedAtMs, isErased }) =>
        stored && !(isErased && deletedAtMs) ? [storedRow(id, stored, { deletedAtMs })] : [],
      );
      await table.db.user.createMany({ data: rows });
      await storeErased(
        pairs.flatMap(({ id, stored, deletedAtMs, isErased }) =>
          stored && isErased && deletedAtMs ? [{ id, deletedAtMs }] : [],
        ),
      );
      const incoming = pairs.map(({ id, incoming }) => snapshot(id, incoming));
      const { newer, stale } = await findNews(table.db, incoming);
      const before = await writings();
      const applied = await applySnapshots(table.db, incoming, 'reconcile');
      const after = await writings();
      const isWritten = ({ id }: { id: string }) => after.get(id) !== before.get(id);
      expect(pairs.filter((pair) => newer.has(pair.id) !== isWritten(pair))).toEqual([]);
      const outcomes = new Map(applied.map(({ clerkUserId, outcome }) => [clerkUserId, outcome]));
      expect(pairs.filter(({ id }) => stale.has(id) !== (outcomes.get(id) === 'stale'))).toEqual([]);
    }),
    RUNS,
  );
});

/** @returns each row's last writing; another value means that it was written again. */
async function writings(): Promise<Map<string, string>> {
  const rows = await table.db.$queryRaw<{ id: string; writing: string }[]>`
    SELECT clerk_id AS id, xmin::text || ctid::text AS writing FROM users`;
  return new Map(rows.map(({ id, writing }) => [id, writing]));
}
