import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import { type AppliedPage, applyPage } from '../../src/activities/apply-page.js';
import type { ActivityDependencies } from '../../src/activities/dependencies.js';
import { type ReconcileRunRecord, recordReconcileRun } from '../../src/activities/record-reconcile-run.js';
import type { UserPage } from '../../src/clerk/list-users.js';
import { applyDeletions } from '../../src/db/apply-deletions.js';
import { applySnapshots } from '../../src/db/apply-snapshots.js';
import { eraseDeletedUsers } from '../../src/db/erase-deleted-users.js';
import { findDrift } from '../../src/db/find-drift.js';
import { findUnfitColumns } from '../../src/db/unfit-columns.js';
import { noTotals } from '../../src/reconcile-totals.js';
import type { JsonObject, JsonValue } from '../../src/user-change.js';
import { type ColumnMapping, defineUserMapping, type UserMapping } from '../../src/user-mapping.js';
import { clerkUser } from '../support/clerk-user.js';
import { answerOf, snapshotOf, T0 } from './snapshot-of.js';
import { openUsersTable, type UsersTable } from './users-table.js';

let table: UsersTable;
let users = 0;
const newUserId = () => `user_mapped${++users}`;

beforeAll(async () => {
  table = await openUsersTable();
  await table.db.$executeRaw`
    ALTER TABLE users ADD COLUMN plan text, ADD COLUMN seats integer, ADD COLUMN credit bigint, ADD COLUMN share numeric,
      ADD COLUMN wants_mail boolean, ADD COLUMN trial_ends_at timestamptz, ADD COLUMN tags jsonb,
      ADD COLUMN locale text, ADD COLUMN "field" text, ADD COLUMN outcome text, ADD COLUMN "order" text,
      ADD COLUMN own_note text, ADD COLUMN tier text NOT NULL DEFAULT 'free'`;
});
afterAll(() => table.close());

const OWN = [
  ...[
    'plan',
    'seats',
    'credit',
    'share',
    'wants_mail',
    'trial_ends_at',
    'tags',
    'locale',
    'field',
    'outcome',
    'order',
  ],
  ...['own_note', 'tier'],
];

const mapping = defineUserMapping({
  plan: { type: 'text', from: (user) => user.public_metadata.plan },
  seats: { type: 'integer', from: (user) => user.public_metadata.seats },
  credit: { type: 'bigint', from: (user) => user.public_metadata.credit },
  share: { type: 'numeric', from: (user) => user.public_metadata.share },
  wants_mail: { type: 'boolean', from: (user) => user.unsafe_metadata.wantsMail },
  trial_ends_at: { type: 'timestamptz', from: (user) => user.public_metadata.trialEndsAt },
  tags: { type: 'jsonb', from: (user) => user.public_metadata.tags },
  locale: { type: 'text', from: (user) => user.locale?.slice(0, 2) },
  field: { type: 'text', from: (user) => user.username },
  outcome: { type: 'text', from: (user) => user.username },
  order: { type: 'text', from: (user) => user.username },
  tier: { type: 'text', from: (user) => user.public_metadata.tier ?? 'none' },
});
const planOnly = defineUserMapping({ plan: { type: 'text', from: (user) => user.public_metadata.plan } });

const METADATA = {
  plan: 'pro\' \\ "quoted"',
  seats: 3,
  credit: '9007199254740993',
  share: 0.25,
  trialEndsAt: T0,
  tags: ['a', { b: null }],
};
const FIELDS: Record<string, JsonValue> = {
  public_metadata: METADATA,
  unsafe_metadata: { wantsMail: true },
  username: 'ada',
  locale: 'en-GB',
};
/** What the row holds of the application's columns. */
async function mappedOf(clerkUserId: string): Promise<JsonObject> {
  const [row] = await table.db.$queryRaw<{ row: JsonObject }[]>`
    SELECT to_jsonb(own) AS row FROM (
      SELECT plan, seats, credit::text, share::text, wants_mail, trial_ends_at, tags, locale, "field", outcome, "order", own_note, tier
      FROM users WHERE clerk_id = ${clerkUserId}
    ) AS own`;
  return row?.row ?? {};
}
const EMPTY = {
  ...{
    plan: null,
    seats: null,
    credit: null,
    share: null,
    wants_mail: null,
    trial_ends_at: null,
    tags: null,
  },
  ...{ locale: null, field: null, outcome: null, order: null, own_note: null },
};
const FULL = {
  ...{ plan: METADATA.plan, seats: 3, credit: '9007199254740993', share: '0.25', wants_mail: true },
  ...{ trial_ends_at: '2025-06-15T15:06:40+00:00', tags: METADATA.tags, locale: 'en', field: 'ada' },
  ...{ outcome: 'ada', order: 'ada', own_note: null, tier: 'none' },
};
const snapshot = (
  id: string,
  atMs: number,
  fields: Record<string, JsonValue> = FIELDS,
  by: UserMapping | null = mapping,
) => snapshotOf(id, atMs, fields, { mapping: by ?? undefined });
const answer = (id: string, atMs: number, observedAtMs: number, by: UserMapping | null, fields = FIELDS) =>
  snapshotOf(id, atMs, fields, { observedAtMs, observedVia: 'api', mapping: by ?? undefined });

describe('mapped columns', () => {
  test('are written with the user, each in its type', async () => {
    const id = newUserId();
    expect(await table.apply(snapshot(id, T0))).toBe('created');
    expect(await mappedOf(id)).toEqual(FULL);
  });

  test('of several users in one statement stay with their users', async () => {
    const [a, b] = [newUserId(), newUserId()];
    await applySnapshots(table.db, [snapshot(b, T0, {}), snapshot(a, T0)], 'reconcile');
    expect(await mappedOf(a)).toEqual(FULL);
    expect(await mappedOf(b)).toEqual({ ...EMPTY, tier: 'none' });
  });

  test('that hold JSON have U+FFFD for what Postgres cannot store, as raw has', async () => {
    const id = newUserId();
    const tags = [{ 'k\0': 'v\0' }, '\uD83D', '\\u0000'];
    const fields = { public_metadata: { plan: 'a\0', tags } };
    expect(await table.apply(snapshot(id, T0, fields))).toBe('created');
    const stored = { plan: 'a\uFFFD', tags: [{ 'k\uFFFD': 'v\uFFFD' }, '\uFFFD', '\\u0000'] };
    expect(await mappedOf(id)).toMatchObject(stored);
    expect((await table.row(id)).publicMetadata).toEqual(stored);
    expect(await table.apply(snapshot(id, T0 + 1, fields))).toBe('unchanged');
  });

  test('are changes of the user, named in the log by their columns, once where Clerk has a field of that name', async () => {
    const id = newUserId();
    await table.apply(snapshot(id, T0));
    const later = { ...FIELDS, public_metadata: { ...METADATA, seats: 4 }, locale: 'en-US' };
    expect(await table.apply(snapshot(id, T0 + 1, later))).toBe('updated');
    expect(await mappedOf(id)).toEqual({ ...FULL, seats: 4 });
    const [, change] = await table.changes(id);
    expect(change?.changedFields.toSorted()).toEqual(['locale', 'publicMetadata', 'seats']);
  });

  test('are left as they are by an older snapshot, and empty when the data are gone', async () => {
    const id = newUserId();
    await table.apply(snapshot(id, T0));
    expect(await table.apply(snapshot(id, T0 - 1, {}))).toBe('stale');
    expect(await mappedOf(id)).toEqual(FULL);
    await table.apply(snapshot(id, T0 + 1, {}));
    expect(await mappedOf(id)).toEqual({ ...EMPTY, tier: 'none' });
  });

  test('beside which the application has columns of its own: those are never touched', async () => {
    const id = newUserId();
    await table.apply(snapshot(id, T0));
    await table.db.$executeRaw`UPDATE users SET own_note = 'kept' WHERE clerk_id = ${id}`;
    await table.apply(snapshot(id, T0 + 1, {}));
    expect(await mappedOf(id)).toMatchObject({ own_note: 'kept', plan: null });
  });
});

describe('a changed mapping', () => {
  test('differs from every row at the next sweep, and repairs it once', async () => {
    const id = newUserId();
    await table.apply(snapshot(id, T0, FIELDS, null));
    const swept = (by: UserMapping | null, nth: number) =>
      applySnapshots(table.db, [answer(id, T0, T0 + 100 * nth, by)], 'reconcile');
    expect(await swept(planOnly, 1)).toMatchObject([{ outcome: 'updated', changedFields: ['plan'] }]);
    const after = await table.writing(id);
    expect(await swept(planOnly, 2)).toMatchObject([{ outcome: 'unchanged' }]);
    expect(await table.writing(id)).toEqual(after);
    expect(await swept(mapping, 3)).toMatchObject([{ outcome: 'updated' }]);
    expect(await mappedOf(id)).toEqual(FULL);
    expect(await swept(null, 4)).toMatchObject([{ outcome: 'updated', changedFields: [] }]);
    expect(await mappedOf(id)).toEqual(FULL);
  });

  test('is told beforehand by a plan, with the values', async () => {
    const id = newUserId();
    await table.apply(snapshot(id, T0, FIELDS, null));
    const { drifts } = await findDrift(table.db, [answer(id, T0, T0 + 100, mapping)], { values: true });
    const [drift] = drifts;
    expect(drift?.changedFields).toEqual(expect.arrayContaining(['plan', 'field', 'outcome', 'locale']));
    expect(drift?.values).toContainEqual({ field: 'plan', stored: null, incoming: METADATA.plan });
    expect(drift?.values).toContainEqual({ field: 'locale', stored: null, incoming: 'en' });
    expect(drift?.values).toContainEqual({ field: 'outcome', stored: null, incoming: 'ada' });
    expect(await mappedOf(id)).toMatchObject({ plan: null });
  });

  test('cannot share a statement with another', async () => {
    const mixed = [snapshot(newUserId(), T0), snapshot(newUserId(), T0, FIELDS, planOnly)];
    await expect(applySnapshots(table.db, mixed, 'webhook')).rejects.toThrow('different mappings');
  });
});

test('application columns named like what a statement uses disturb no plan, mapped or not', async () => {
  const id = newUserId();
  await table.apply(snapshot(id, T0, FIELDS, null));
  const { drifts } = await findDrift(table.db, [answerOf(id, T0 + 1, T0 + 100)], { values: true });
  expect(drifts[0]?.values).toContainEqual({ field: 'username', stored: 'ada', incoming: null });
});

test('what others write into a mapped column is repaired where the trigger of the README watches it', async () => {
  const id = newUserId();
  await table.db.$executeRaw`
    CREATE TRIGGER users_mapped_columns_edited BEFORE UPDATE ON users FOR EACH ROW
    WHEN (OLD.content_hash = NEW.content_hash AND OLD.plan IS DISTINCT FROM NEW.plan)
    EXECUTE FUNCTION users_edited_by_others()`;
  try {
    await table.apply(snapshot(id, T0));
    await table.db.$executeRaw`UPDATE users SET plan = 'forged' WHERE clerk_id = ${id}`;
    expect(await applySnapshots(table.db, [answer(id, T0, T0 + 100, mapping)], 'reconcile')).toMatchObject([
      { outcome: 'updated', changedFields: ['plan'] },
    ]);
    expect(await mappedOf(id)).toEqual(FULL);
  } finally {
    await table.db.$executeRaw`DROP TRIGGER users_mapped_columns_edited ON users`;
  }
});

test('anonymising empties mapped columns, or sets their DEFAULT, and leaves other columns of the application', async () => {
  const id = newUserId();
  await table.apply(snapshot(id, T0, { ...FIELDS, public_metadata: { ...METADATA, tier: 'gold' } }));
  await table.db.$executeRaw`UPDATE users SET own_note = 'kept' WHERE clerk_id = ${id}`;
  await table.remove(id, T0 + 10);
  const erasure = { mode: 'anonymise', holdbackMs: 0, clerkUserIds: [id], mapped: mapping.columns } as const;
  expect(await eraseDeletedUsers(table.db, erasure)).toBe(1);
  expect(await mappedOf(id)).toEqual({ ...EMPTY, own_note: 'kept', tier: 'free' });
});

describe('a mapped column that the table', () => {
  const of = (columns: Record<string, ColumnMapping>) =>
    (defineUserMapping as (columns: Record<string, ColumnMapping>) => UserMapping)(columns);
  const from = () => null;

  test('lacks is SCHEMA_MISSING, retried, and named by every writer with what to do', async () => {
    const lacking = of({ plan: { type: 'text', from }, company: { type: 'text', from } });
    const named = {
      type: 'SCHEMA_MISSING',
      nonRetryable: false,
      message: expect.stringMatching(/ users has no column company, .+ADD COLUMN company text/),
    };
    const id = newUserId();
    await expect(applySnapshots(table.db, [snapshot(id, T0, {}, lacking)], 'webhook')).rejects.toMatchObject(
      named,
    );
    await expect(findDrift(table.db, [snapshot(id, T0, {}, lacking)])).rejects.toMatchObject(named);
    await applyDeletions(table.db, [{ clerkUserId: id, deletedAtMs: T0 }], {
      ...{ observedVia: 'webhook', writer: 'webhook', markUnknown: true },
    });
    await table.db.$executeRaw`UPDATE users SET content_hash = 'x' WHERE clerk_id = ${id}`;
    await expect(
      eraseDeletedUsers(table.db, {
        mode: 'anonymise',
        holdbackMs: 0,
        clerkUserIds: [id],
        mapped: lacking.columns,
      }),
    ).rejects.toMatchObject(named);
  });

  test('has in another type, generated, or NOT NULL without a DEFAULT, is told', async () => {
    await table.db.$executeRaw`
      ALTER TABLE users ADD COLUMN made text GENERATED ALWAYS AS ('x') STORED, ADD COLUMN wanted json`;
    const unfit = of({
      seats: { type: 'text', from },
      made: { type: 'text', from },
      wanted: { type: 'jsonb', from },
      tier: { type: 'text', from },
    });
    const problems = await findUnfitColumns(table.db, unfit.columns);
    expect(problems).toHaveLength(3);
    expect(problems.join('\n')).toMatch(/seats is of type int4, and is mapped as text/);
    expect(problems.join('\n')).toMatch(/wanted is of type json, and is mapped as jsonb/);
    expect(problems.join('\n')).toMatch(/made is generated/);
    await expect(
      applySnapshots(table.db, [snapshot(newUserId(), T0, {}, unfit)], 'webhook'),
    ).rejects.toMatchObject({
      type: 'SCHEMA_MISSING',
    });
    await table.db.$executeRaw`ALTER TABLE users DROP COLUMN made, DROP COLUMN wanted`;
    await table.db.$executeRaw`ALTER TABLE users ALTER COLUMN tier DROP DEFAULT`;
    expect(await findUnfitColumns(table.db, mapping.columns)).toEqual([
      expect.stringMatching(/^users\.tier is NOT NULL without a DEFAULT/),
    ]);
    await table.db.$executeRaw`ALTER TABLE users ALTER COLUMN tier SET DEFAULT 'free'`;
  });
});

test('every column that this service fills itself is refused by a mapping', async () => {
  const columns = await table.db.$queryRaw<{ name: string }[]>`
    SELECT attname AS name FROM pg_attribute
    WHERE attrelid = 'users'::regclass AND attnum > 0 AND NOT attisdropped AND attname <> ALL (${OWN})`;
  expect(columns.length).toBeGreaterThan(25);
  const allowed = columns.filter(({ name }) => {
    try {
      (defineUserMapping as (columns: object) => unknown)({ [name]: { type: 'text', from: () => null } });
      return true;
    } catch {
      return false;
    }
  });
  expect(allowed).toEqual([]);
});

describe('a user whom the mapping fails for', () => {
  const strict = defineUserMapping({
    plan: {
      type: 'text',
      from: (user) => (user.public_metadata.plan as { name: string }).name,
    },
  });
  const page = (ids: string[], nowMs: number) => ({
    users: ids.map((id, nth) =>
      clerkUser(id, T0, { public_metadata: nth === 0 ? {} : { plan: { name: 'pro' } } }),
    ),
    observedAtMs: nowMs,
  });
  const failures = (clerkId: string) => table.db.syncFailure.findUnique({ where: { clerkId } });

  test('is recorded by a reconcile and costs nobody else; the next one with a right mapping cures it', async () => {
    const activity = new MockActivityEnvironment();
    const run = (by: ActivityDependencies, one: UserPage): Promise<AppliedPage> =>
      activity.run(applyPage, by, one);
    const deps = (by: UserMapping) =>
      ({ db: table.db, keepPrivateMetadata: false, mapping: by }) as ActivityDependencies;
    const [failing, other] = [newUserId(), newUserId()];
    const first = await run(deps(strict), page([failing, other], T0 + 50));
    expect(first.totals).toMatchObject({ created: 1, failed: 1 });
    expect(await mappedOf(other)).toMatchObject({ plan: 'pro' });
    expect(await failures(failing)).toMatchObject({
      code: 'MAPPING_FAILED',
      message: expect.stringContaining('Column plan: its function threw TypeError.'),
      resolvedAt: null,
    });
    const cured = defineUserMapping({ plan: { type: 'text', from: () => 'any' } });
    const second = await run(deps(cured), page([failing, other], T0 + 60));
    expect(second.totals).toMatchObject({ created: 1, updated: 1, failed: 0 });
    expect((await failures(failing))?.resolvedAt).not.toBeNull();
  });

  test('and whose row was right all the same is cured by a whole sweep that does not fail for it any more', async () => {
    const activity = new MockActivityEnvironment();
    const deps = (by: UserMapping) =>
      ({
        db: table.db,
        keepPrivateMetadata: false,
        mapping: by,
        deletion: { mode: 'soft', holdbackMs: 0 },
      }) as ActivityDependencies;
    const ended = async (kind: 'sweep' | 'delta', startedAtMs: number) => {
      const run: ReconcileRunRecord = {
        id: 'run',
        kind,
        status: 'completed',
        startedAtMs,
        totals: noTotals(),
      };
      await activity.run(recordReconcileRun, deps(planOnly), run);
    };
    const id = newUserId();
    const right = { users: [clerkUser(id, T0)], observedAtMs: T0 + 50 };
    await activity.run(applyPage, deps(planOnly), right);
    const beforeMs = Date.now() - 1000;
    await activity.run(applyPage, deps(strict), right);
    expect(await failures(id)).toMatchObject({ code: 'MAPPING_FAILED', resolvedAt: null });
    await activity.run(applyPage, deps(planOnly), right);
    await ended('delta', Date.now() + 1000);
    await ended('sweep', beforeMs);
    expect((await failures(id))?.resolvedAt).toBeNull();
    await ended('sweep', Date.now() + 1000);
    expect((await failures(id))?.resolvedAt).not.toBeNull();
  });
});
