import { afterAll, describe, expect, test } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import { type AppliedPage, applyPage } from '../../src/activities/apply-page.js';
import { applyUserChange } from '../../src/activities/apply-user-change.js';
import type { ActivityDependencies } from '../../src/activities/dependencies.js';
import { recordReconcileRun } from '../../src/activities/record-reconcile-run.js';
import type { UserPage } from '../../src/clerk/list-users.js';
import { connectDatabase, type Database } from '../../src/db/database.js';
import type { EmailUniqueness } from '../../src/db/email-uniqueness.js';
import { eraseDeletedUsers } from '../../src/db/erase-deleted-users.js';
import { noTotals } from '../../src/reconcile-totals.js';
import type { FactChange, JsonObject, JsonValue, Outcome } from '../../src/user-change.js';
import { clerkUser } from '../support/clerk-user.js';
import { createTestDatabase } from '../support/test-database.js';

const T0 = 1_750_000_000_000;
const UNIQUE = 'CREATE UNIQUE INDEX own_email ON users (email)';
const activity = new MockActivityEnvironment();

/** A table whose e-mails the application made unique, and everybody who writes to it. */
interface Service {
  db: Database;
  /** @returns the outcome; a webhook's user, or its deletion. */
  webhook(user: JsonObject): Promise<Outcome>;
  remove(clerkUserId: string, atMs: number): Promise<Outcome>;
  /** A sweep in one page, from its first request to its end. */
  sweep(users: JsonObject[], observedAtMs: number): Promise<AppliedPage['totals']>;
  /** The same tables under another setting. */
  under(policy: EmailUniqueness): Service;
  /** What the rows hold of addresses: `email`, and in brackets the one that is withheld. */
  emails(...ids: string[]): Promise<string[]>;
  /** Another one after every write. */
  written(...ids: string[]): Promise<unknown>;
  failure(clerkId: string): Promise<{ code: string; resolved: boolean } | null>;
  /** Kinds and fields of the log, oldest first. */
  log(clerkId: string): Promise<string[]>;
}

const closing: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const close of closing.reverse()) await close();
});

async function openService(policy: EmailUniqueness, index = UNIQUE): Promise<Service> {
  const database = await createTestDatabase();
  closing.push(() => database.drop());
  const service = serviceOn(database.url, policy);
  await service.db.$executeRawUnsafe(index);
  return service;
}

function serviceOn(url: string, emailUniqueness: EmailUniqueness): Service {
  const db = connectDatabase({ url, poolSize: 6, emailUniqueness });
  closing.push(() => db.$disconnect());
  const deps = {
    db,
    keepPrivateMetadata: false,
    deletion: { mode: 'soft', holdbackMs: 0 },
  } as ActivityDependencies;
  const apply = async (change: FactChange): Promise<Outcome> => {
    const applied: { outcome: Outcome } = await activity.run(applyUserChange, deps, change);
    return applied.outcome;
  };
  const origin = (clerkUserId: string, observedAtMs: number) =>
    ({ clerkUserId, observedAtMs, writer: 'webhook', instanceId: null, svixId: 'msg_1' }) as const;
  return {
    db,
    webhook: (user) => {
      const clerkUpdatedAtMs = Number(user.updated_at);
      const from = origin(String(user.id), clerkUpdatedAtMs + 7);
      return apply({ ...from, kind: 'snapshot', clerkUpdatedAtMs, user });
    },
    remove: (id, atMs) => apply({ ...origin(id, atMs), kind: 'deletion' }),
    async sweep(users, observedAtMs) {
      const page: UserPage = { users, observedAtMs };
      const startedAtMs = Date.now();
      const { totals }: AppliedPage = await activity.run(applyPage, deps, page);
      const run = { id: 'run', kind: 'sweep', status: 'completed', startedAtMs, totals: noTotals() } as const;
      await activity.run(recordReconcileRun, deps, run);
      return totals;
    },
    under: (other) => serviceOn(url, other),
    async emails(...ids) {
      const rows = await db.user.findMany({ where: { clerkId: { in: ids } }, orderBy: { clerkId: 'asc' } });
      return rows.map(({ email, emailWithheld }) => `${email}${emailWithheld ? ` (${emailWithheld})` : ''}`);
    },
    written: (...ids) => db.$queryRaw`
      SELECT clerk_id, xmin::text, ctid::text FROM users WHERE clerk_id = ANY (${ids}::text[]) ORDER BY clerk_id`,
    async failure(clerkId) {
      const found = await db.syncFailure.findUnique({ where: { clerkId } });
      return found && { code: found.code, resolved: found.resolvedAt !== null };
    },
    async log(clerkId) {
      const changes = await db.userChange.findMany({ where: { clerkId }, orderBy: { id: 'asc' } });
      expect(changes.map(({ revision }) => revision)).toEqual(changes.map((_, nth) => nth + 1));
      return changes.map(({ kind, changedFields }) => [kind, ...changedFields].join(' '));
    },
  };
}

let pairs = 0;
/** The ids of a pair of users, and Clerk's words about them; the first was created a day before the second. */
function newPair() {
  const nth = ++pairs;
  const [old, young] = [`user_${nth}_a`, `user_${nth}_b`];
  const user = (id: string, afterMs: number, email: string, fields: Record<string, JsonValue> = {}) =>
    clerkUser(id, T0 + afterMs, {
      created_at: 1_700_000_000_000 + (id === old ? 0 : 86_400_000),
      email_addresses: [
        { id: `idn_${id}`, email_address: email, verification: { status: 'verified' }, linked_to: [] },
      ],
      ...fields,
    });
  return { old, young, user, one: `one${nth}@example.com`, two: `two${nth}@example.com` };
}
/** Later than any deletion in these tests, by more than lists may lag. */
const LATER = T0 + 600_000;

const POLICIES = ['take-over', 'null-older', 'quarantine'] as const;

describe.each(POLICIES)('EMAIL_UNIQUENESS=%s', (policy) => {
  const opened = openService(policy);

  test('who signs up again with the address has it once the old user is deleted, in either order of the events', async () => {
    const service = await opened;
    for (const deletedFirst of [true, false]) {
      const { old, young, user, one } = newPair();
      await service.webhook(user(old, 0, one));
      if (deletedFirst) expect(await service.remove(old, T0 + 10)).toBe('deleted');
      // Several at once, as Svix may deliver it: the others find the row written.
      const delivered = [1, 2, 3].map(() => service.webhook(user(young, 20, one)));
      expect((await Promise.all(delivered)).filter((outcome) => outcome === 'created')).toHaveLength(1);
      if (deletedFirst) expect(await service.emails(young)).toEqual([one]);
      if (!deletedFirst) expect(await service.remove(old, T0 + 10)).toBe('deleted');
      await service.sweep([user(young, 20, one)], LATER);
      expect(await service.emails(young)).toEqual([one]);
      expect(await service.failure(young)).toEqual(
        policy === 'quarantine' && !deletedFirst ? { code: 'EMAIL_TAKEN', resolved: true } : null,
      );
      const after = await service.written(old, young);
      expect(await service.sweep([user(young, 20, one)], LATER + 1)).toMatchObject({
        unchanged: 1,
        failed: 0,
      });
      expect(await service.written(old, young)).toEqual(after);
    }
  });

  test('an address that moved to another user ends there, whichever event comes first', async () => {
    const service = await opened;
    for (const [from, to] of [
      ['old', 'young'],
      ['young', 'old'],
    ] as const) {
      const pair = newPair();
      const { user, one, two } = pair;
      const [giver, taker] = [pair[from], pair[to]];
      await service.webhook(user(giver, 0, one));
      await service.webhook(user(taker, 0, two));
      expect(await service.webhook(user(taker, 20, one))).toBe('updated');
      expect(await service.webhook(user(giver, 10, `new-${two}`))).toBe('updated');
      const users = [user(giver, 10, `new-${two}`), user(taker, 20, one)];
      expect(await service.sweep(users, LATER)).toMatchObject({ failed: 0 });
      expect(await service.emails(taker)).toEqual([one]);
      expect(await service.emails(giver)).toEqual([`new-${two}`]);
    }
  });

  test('two users who swapped their addresses both have them after one sweep; the next writes nothing', async () => {
    const service = await opened;
    const { old, young, user, one, two } = newPair();
    await service.sweep([user(old, 0, one), user(young, 0, two)], T0 + 5);
    const swapped = [user(old, 10, two), user(young, 20, one)];
    expect(await service.sweep(swapped, LATER)).toMatchObject({ updated: 2, failed: 0 });
    expect(await service.emails(old, young)).toEqual([two, one]);
    const after = await service.written(old, young);
    expect(await service.sweep(swapped, LATER + 1)).toMatchObject({ unchanged: 2, updated: 0, failed: 0 });
    expect(await service.written(old, young)).toEqual(after);
    for (const id of [old, young]) expect((await service.failure(id))?.resolved ?? true).toBe(true);
  });

  test('of two who share an address for good one has it, and neither sweeps nor sign-ins make it change hands', async () => {
    const service = await opened;
    const { old, young, user, one } = newPair();
    await service.webhook(user(young, 0, one));
    expect(await service.webhook(user(old, 10, one))).toBe('created');
    const holder = policy === 'take-over' ? old : young;
    const other = holder === old ? young : old;
    const held = async () => {
      expect(await service.emails(holder)).toEqual([one]);
      expect(await service.emails(other)).toEqual([`null (${one})`]);
    };
    await held();
    expect(await service.log(other)).toEqual(other === young ? ['created', 'updated email'] : ['created']);
    expect(await service.failure(other)).toEqual(
      policy === 'quarantine' ? { code: 'EMAIL_TAKEN', resolved: false } : null,
    );

    const users = [user(old, 10, one), user(young, 0, one)];
    for (const nth of [0, 1]) {
      const before = await service.written(old, young);
      expect(await service.sweep(users, LATER + nth)).toMatchObject({ unchanged: 2, updated: 0, failed: 0 });
      expect(await service.written(old, young)).toEqual(before);
    }
    const entries = (await service.log(old)).length + (await service.log(young)).length;
    for (const [nth, id] of [old, young, old, young].entries()) {
      const signedIn = { last_sign_in_at: T0 + 100 + nth };
      expect(await service.webhook(user(id, 100 + nth, one, signedIn))).toBe('unchanged');
      await held();
    }
    expect((await service.log(old)).length + (await service.log(young)).length).toBe(entries);
    // A change of another field is one, and says nothing of the address.
    expect(await service.webhook(user(other, 200, one, { first_name: 'Grace' }))).toBe('updated');
    expect((await service.log(other)).at(-1)).toBe('updated firstName name');
    await held();
    const renamed = [user(holder, 300, one), user(other, 300, one, { first_name: 'Hedy' })];
    expect(await service.sweep(renamed, LATER + 2)).toMatchObject({ updated: 1, failed: 0 });
    await held();
    expect((await service.failure(other))?.resolved ?? false).toBe(false);
  });

  test('the address is given back at the next sweep once the other lets go of it, and is logged', async () => {
    const service = await opened;
    const { old, young, user, one, two } = newPair();
    await service.webhook(user(young, 0, one));
    await service.webhook(user(old, 10, one));
    const holder = policy === 'take-over' ? old : young;
    const other = holder === old ? young : old;
    await service.webhook(user(holder, 300, two));
    expect(await service.emails(other)).toEqual([`null (${one})`]);
    await service.sweep([user(holder, 300, two), user(other, 10, one)], LATER);
    expect(await service.emails(other)).toEqual([one]);
    expect((await service.log(other)).at(-1)).toBe('updated email');
    expect(await service.failure(other)).toEqual(
      policy === 'quarantine' ? { code: 'EMAIL_TAKEN', resolved: true } : null,
    );
  });

  test('what others write into a row without its address is repaired, and the address stays withheld', async () => {
    const service = await opened;
    const { old, young, user, one } = newPair();
    await service.webhook(user(young, 0, one));
    await service.webhook(user(old, 10, one));
    const other = policy === 'take-over' ? young : old;
    await service.db.$executeRaw`UPDATE users SET email = 'forged' || clerk_id WHERE clerk_id = ${other}`;
    const users = [user(old, 10, one), user(young, 0, one)];
    expect(await service.sweep(users, LATER)).toMatchObject({ updated: 1, unchanged: 1 });
    expect(await service.emails(other)).toEqual([`null (${one})`]);
    expect(await service.sweep(users, LATER + 1)).toMatchObject({ updated: 0, unchanged: 2 });
  });

  test('a whole page of users with one address, and as many webhooks at once, leave one of them with it', async () => {
    const service = await opened;
    const { user, one } = newPair();
    const ids = Array.from({ length: 12 }, (_, nth) => `user_crowd_${policy.replace('-', '')}_${nth}`);
    const users = ids.map((id, nth) => user(id, nth, one));
    const ended = await Promise.allSettled([
      service.sweep(users, T0 + 50),
      ...users.toReversed().map((each) => service.webhook(each)),
    ]);
    // A deadlock is a failure that is retried; nothing else may happen.
    for (const each of ended)
      if (each.status === 'rejected') expect(each.reason).toMatchObject({ nonRetryable: false });
    const totals = await service.sweep(users, LATER);
    expect(totals).toMatchObject({ failed: 0 });
    const held = await service.emails(...ids);
    expect(held.filter((email) => email === one)).toHaveLength(1);
    expect(held.filter((email) => email === `null (${one})`)).toHaveLength(11);
    expect(await service.sweep(users, LATER + 1)).toMatchObject({ unchanged: 12, failed: 0 });
  });

  test('a user who comes back from a deletion does not take the address from who has it by then', async () => {
    const service = await opened;
    const { old, young, user, one } = newPair();
    await service.webhook(user(old, 0, one));
    await service.remove(old, T0 + 10);
    await service.webhook(user(young, 20, one));
    expect(await service.sweep([user(old, 0, one), user(young, 20, one)], LATER)).toMatchObject({
      restored: 1,
      failed: 0,
    });
    expect(await service.emails(old, young)).toEqual([`null (${one})`, one]);
  });

  test('turned off, it leaves the withheld rows to the next sweep, which is refused as long as the index is there', async () => {
    const service = (await opened).under('none');
    const { old, young, user, one } = newPair();
    await (await opened).webhook(user(young, 0, one));
    await (await opened).webhook(user(old, 10, one));
    const users = [user(old, 10, one), user(young, 0, one)];
    await service.sweep(users, LATER);
    expect(await service.sweep(users, LATER + 1)).toMatchObject({ failed: 1 });
    await service.db.$executeRaw`DROP INDEX own_email`;
    try {
      expect(await service.sweep(users, LATER + 2)).toMatchObject({ updated: 1, failed: 0 });
      expect(await service.emails(old, young)).toEqual([one, one]);
    } finally {
      await service.db.$executeRaw`DELETE FROM users WHERE clerk_id IN (${old}, ${young})`;
      await service.db.$executeRawUnsafe(UNIQUE);
    }
  });
});

test('whose address is withheld when the setting is turned off, and who is then deleted, is anonymised like anybody', async () => {
  const service = await openService('quarantine');
  const { old, young, user, one } = newPair();
  await service.webhook(user(old, 0, one));
  await service.webhook(user(young, 10, one));
  const off = service.under('none');
  await off.sweep([], LATER);
  await off.remove(young, LATER);
  expect(await eraseDeletedUsers(service.db, { mode: 'anonymise', holdbackMs: 0 })).toBe(1);
  expect(await service.db.user.findUnique({ where: { clerkId: young } })).toMatchObject({
    firstName: null,
    raw: {},
  });
});

describe.each([
  [
    'over lower-case addresses of live users',
    'CREATE UNIQUE INDEX own_email ON users (lower(email)) WHERE deleted_at IS NULL',
  ],
  ['of live users', 'CREATE UNIQUE INDEX own_email ON users (email) WHERE deleted_at IS NULL'],
  [
    'as a constraint that is checked at the end',
    'ALTER TABLE users ADD CONSTRAINT own_email UNIQUE (email) DEFERRABLE INITIALLY DEFERRED',
  ],
])('a unique index %s', (_, index) => {
  test('is settled as well', async () => {
    const service = await openService('take-over', index);
    const { old, young, user, one } = newPair();
    const other = index.includes('lower') ? one.toUpperCase() : one;
    await service.webhook(user(old, 0, other));
    await service.webhook(user(young, 10, one));
    expect(await service.emails(old, young)).toEqual([`null (${other})`, one]);
    await service.sweep([user(old, 0, other), user(young, 10, one)], LATER);
    expect(await service.emails(old, young)).toEqual([`null (${other})`, one]);
    await service.remove(young, T0 + 20);
    await service.sweep([user(old, 0, other)], LATER + 1);
    expect(await service.emails(old)).toEqual([other]);
  });
});

describe('EMAIL_UNIQUENESS=none', () => {
  test('rejects the later user, in every sweep, and touches nobody else', async () => {
    const service = await openService('none');
    const { old, young, user, one } = newPair();
    await service.webhook(user(old, 0, one));
    await expect(service.webhook(user(young, 10, one))).rejects.toMatchObject({ type: 'ROW_REJECTED' });
    const users = [user(old, 0, one), user(young, 10, one)];
    for (const nth of [0, 1])
      expect(await service.sweep(users, LATER + nth)).toMatchObject({ failed: 1, unchanged: 1 });
    expect(await service.emails(old, young)).toEqual([one]);
  });

  test("a deleted user's address keeps nobody from it all the same", async () => {
    const service = await openService('none');
    const { old, young, user, one } = newPair();
    await service.webhook(user(old, 0, one));
    await service.remove(old, T0 + 10);
    expect(await service.webhook(user(young, 20, one))).toBe('created');
    expect(await service.emails(old, young)).toEqual([`null (${one})`, one]);
    expect(await service.log(old)).toEqual(['created', 'deleted']);
  });

  test('without an index of the application two users share an address', async () => {
    const service = await openService('none', 'SELECT 1');
    const { old, young, user, one } = newPair();
    await service.sweep([user(old, 0, one), user(young, 10, one)], LATER);
    expect(await service.emails(old, young)).toEqual([one, one]);
  });
});

test('a unique index over the address and more is not settled: the row is rejected', async () => {
  const service = await openService(
    'take-over',
    'CREATE UNIQUE INDEX own_email ON users (email, first_name)',
  );
  const { old, young, user, one } = newPair();
  await service.webhook(user(old, 0, one));
  await expect(service.webhook(user(young, 10, one))).rejects.toMatchObject({ type: 'ROW_REJECTED' });
});
