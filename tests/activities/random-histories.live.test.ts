import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import fc from 'fast-check';
import { applyUserChange } from '../../src/activities/apply-user-change.js';
import { type AskedCandidates, askCandidates } from '../../src/activities/ask-candidates.js';
import type { SweepPlace } from '../../src/activities/compare-page.js';
import { type ComparedPages, comparePages } from '../../src/activities/compare-pages.js';
import { type DeletedUsers, deleteGone } from '../../src/activities/delete-gone.js';
import type { ActivityDependencies } from '../../src/activities/dependencies.js';
import { refetchUser } from '../../src/activities/refetch-user.js';
import { createClerkApi } from '../../src/clerk/clerk-api.js';
import { parseEvent } from '../../src/clerk/parse-event.js';
import { toUserSnapshot } from '../../src/clerk/to-user-snapshot.js';
import { type StandIn, startStandIn } from '../../src/clerk-stand-in/start-stand-in.js';
import { connectDatabase } from '../../src/db/database.js';
import { type DeletionMode, eraseDeletedUsers } from '../../src/db/erase-deleted-users.js';
import { WINDOW_START } from '../../src/sweep-windows.js';
import { foldFacts, foldRefetches, type JsonObject, type UserChange } from '../../src/user-change.js';
import { outermost } from '../../src/witnesses.js';
import { activityDependencies } from '../support/activity-dependencies.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

const HISTORIES = 400;
const PAGE_SIZE = 70;

let nowMs = 1_750_000_000_000;
let standIn: StandIn;
let database: TestDatabase;
let deps: ActivityDependencies;
const activity = new MockActivityEnvironment();

beforeAll(async () => {
  standIn = await startStandIn({ now: () => nowMs, rateLimit: null });
  database = await createTestDatabase();
  deps = activityDependencies(
    {
      db: connectDatabase({ url: database.url, poolSize: 8 }),
      clerk: createClerkApi({ secretKey: standIn.secretKey, apiUrl: standIn.url }),
    },
    PAGE_SIZE,
  );
});
afterAll(async () => {
  await deps?.db.$disconnect();
  await standIn.stop();
  await database.drop();
});

const step = fc.record({
  what: fc.constantFrom('rename', 'email', 'metadata', 'ban', 'unban', 'lock', 'sign-in', 'delete'),
  text: fc.string({ unit: 'binary', maxLength: 6 }),
  /** 0: within the same millisecond as the step before. */
  afterMs: fc.nat(3),
});
/** What happened to one user, and what became of the webhooks about it. */
const history = fc.record({
  steps: fc.array(step, { maxLength: 7 }),
  /** How many times each webhook arrives: 0 is lost. */
  copies: fc.array(fc.nat(2), { minLength: 24, maxLength: 24 }),
  /** The order in which they arrive. */
  order: fc.array(fc.nat(), { minLength: 60, maxLength: 60 }),
  /** How many the workflow folds together before it applies them. */
  batch: fc.integer({ min: 1, max: 4 }),
  together: fc.boolean(),
});
type History = ReturnType<typeof history.generate>['value'];

let made = 0;

/** Lets one user live, and returns the changes that its webhooks carried. */
function live({ steps }: History): { id: string; changes: UserChange[] } {
  const before = standIn.webhooks.messages().length;
  const mark = `h${++made}`;
  nowMs += 1;
  const { users } = standIn;
  const { id } = users.createUser({ first_name: mark, email_address: [`${mark}@example.com`] });
  for (const { what, text, afterMs } of steps) {
    nowMs += afterMs;
    if (!users.has(id)) break;
    if (what === 'rename') users.updateUser(id, { first_name: text, last_name: `${mark} ${text}` });
    if (what === 'metadata')
      users.mergeMetadata(id, { public_metadata: { text }, unsafe_metadata: { [`k${text}`]: text } });
    if (what === 'email') {
      users.addEmailAddress({
        user_id: id,
        email_address: `${mark}.${++made}@example.com`,
        verified: true,
        primary: true,
      });
    }
    if (what === 'ban') users.banUser(id);
    if (what === 'unban') users.unbanUser(id);
    if (what === 'lock') users.lockUser(id);
    const { banned, locked } = users.get(id);
    if (what === 'sign-in' && !banned && !locked) users.signIn(id);
    if (what === 'delete') users.deleteUser(id);
  }
  const changes = standIn.webhooks
    .messages()
    .slice(before)
    .map(({ payload, svixId }) => {
      const parsed = parseEvent(JSON.parse(payload), {
        svixId,
        signedAtMs: nowMs,
        mode: 'payload',
        keepPrivateMetadata: false,
        instanceId: undefined,
      });
      if (parsed.kind !== 'change')
        throw new Error(`the stand-in sent what we cannot read: ${JSON.stringify(parsed)}`);
      return parsed.change;
    });
  return { id, changes };
}

/** The webhooks as they arrive: some lost, some twice, in any order, folded as the workflow folds. */
function arriving(changes: UserChange[], { copies, order, batch }: History): UserChange[] {
  const sent = changes.flatMap((change, i) =>
    Array.from({ length: copies[i % copies.length] ?? 1 }, () => change),
  );
  const arrived = sent
    .map((change, i) => ({ change, at: order[i % order.length] ?? 0 }))
    .sort((a, b) => a.at - b.at);
  const folded: UserChange[] = [];
  for (let i = 0; i < arrived.length; i += batch) {
    const together = arrived.slice(i, i + batch).map(({ change }) => change);
    const facts = together.filter((change) => change.kind !== 'refetch');
    const questions = together.filter((change) => change.kind === 'refetch');
    if (facts.length > 0) folded.push(facts.reduce(foldFacts));
    if (questions.length > 0) folded.push(questions.reduce(foldRefetches));
  }
  return folded;
}

const apply = (change: UserChange) =>
  change.kind === 'refetch'
    ? activity.run(refetchUser, deps, change)
    : activity.run(applyUserChange, deps, change);

/** What the workflows do of a sweep, but for the limit of deletions. */
async function sweep(): Promise<void> {
  const witnessIds: string[] = [];
  for (let place: SweepPlace | null = WINDOW_START; place !== null; ) {
    const window = { fromMs: null, toMs: null };
    const pages: ComparedPages = await activity.run(comparePages, deps, {
      window,
      place,
      runId: 'sweep',
      plan: false,
    });
    witnessIds.push(...pages.witnessIds);
    place = pages.next;
  }
  let after: string | null = null;
  do {
    const asked: AskedCandidates = await activity.run(askCandidates, deps, {
      after,
      witnessIds: outermost(witnessIds),
    });
    expect(asked.witnessed).toBe(true);
    after = asked.after;
  } while (after !== null);
  do {
    const deleted: DeletedUsers = await activity.run(deleteGone, deps, {
      foundUpToMs: null,
      withKept: false,
      approved: false,
      after,
    });
    after = deleted.after;
  } while (after !== null);
}

/** What differs between Clerk's user and the row; undefined when they are equal. */
async function difference(id: string): Promise<string | undefined> {
  const row = await deps.db.user.findUnique({ where: { clerkId: id } });
  if (!standIn.users.has(id))
    return row === null || row.deletedAt !== null ? undefined : `${id} is gone, its row is alive`;
  if (row === null || row.deletedAt !== null)
    return `${id} is alive, its row is ${row === null ? 'missing' : 'a tombstone'}`;
  const user = JSON.parse(JSON.stringify(standIn.users.get(id))) as JsonObject;
  const wanted = toUserSnapshot(user, { observedAtMs: 0, observedVia: 'api', keepPrivateMetadata: false });
  const { clerkUpdatedAt, contentHash, email, firstName, banned, locked } = row;
  const actual = { updatedAt: clerkUpdatedAt.getTime(), contentHash, email, firstName, banned, locked };
  const storable = (text: string | null) => text?.toWellFormed().replaceAll('\0', '\uFFFD') ?? null;
  const expected = {
    updatedAt: wanted.clerkUpdatedAtMs,
    contentHash: wanted.contentHash,
    email: wanted.columns.email,
    firstName: storable(wanted.columns.firstName),
    banned: wanted.columns.banned,
    locked: wanted.locked,
  };
  return JSON.stringify(actual) === JSON.stringify(expected)
    ? undefined
    : `${JSON.stringify(actual)} is not ${JSON.stringify(expected)}`;
}

/** What must be left of the deleted, once everything was erased. */
const LEFT: Record<DeletionMode, { rows: 'some' | 'none'; personal: 'some' | 'none' }> = {
  soft: { rows: 'some', personal: 'some' },
  anonymise: { rows: 'some', personal: 'none' },
  hard: { rows: 'none', personal: 'none' },
};

test.each(Object.keys(LEFT) as DeletionMode[])(
  `${HISTORIES} random histories, deletions %s: whatever arrives, in whatever order, one sweep later the row equals Clerk's user`,
  async (mode) => {
    deps = { ...deps, deletion: { mode, holdbackMs: 0 } };
    const seed = Date.now();
    const lives = fc.sample(history, { numRuns: HISTORIES, seed }).map((one) => ({ one, ...live(one) }));
    await eachOf(lives, 8, async ({ one, changes }) => {
      const arrived = arriving(changes, one);
      // Attempts that the workflow gave up may still commit, so changes of one user can be written at the same time.
      if (one.together) await Promise.all(arrived.map(apply));
      else for (const change of arrived) await apply(change);
    });
    await sweep();
    await eraseDeletedUsers(deps.db, { mode, holdbackMs: 0, most: made });
    // What came before a deletion may come after it. Of a user of whom nothing ever arrived, nobody could know.
    const known = await knownIds();
    await eachOf(lives, 8, async ({ id, changes }) => {
      if (!known.has(id)) return;
      for (const change of changes) if (change.kind !== 'deletion') await apply(change);
    });
    const wrong: string[] = [];
    await eachOf(lives, 8, async ({ one, id }) => {
      const text = await difference(id);
      if (text !== undefined) wrong.push(`seed ${seed}: ${text} after ${JSON.stringify(one.steps)}`);
    });
    expect(wrong).toEqual([]);
    expect(await leftOfDeleted()).toEqual(LEFT[mode]);
  },
);

async function knownIds(): Promise<Set<string>> {
  const select = { clerkId: true };
  const [rows, tombstones] = [
    await deps.db.user.findMany({ select }),
    await deps.db.userTombstone.findMany({ select }),
  ];
  return new Set([...rows, ...tombstones].map(({ clerkId }) => clerkId));
}

async function leftOfDeleted(): Promise<{ rows: string; personal: string }> {
  const rows = await deps.db.user.findMany({ where: { deletedAt: { not: null } } });
  const isPersonal = rows.some((row) => /@example\.com/.test(JSON.stringify(row)));
  return { rows: rows.length > 0 ? 'some' : 'none', personal: isPersonal ? 'some' : 'none' };
}

/** Runs `work` on every item, so many at a time. */
async function eachOf<Item>(
  items: readonly Item[],
  atATime: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const queue = [...items];
  const run = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: atATime }, run));
}
