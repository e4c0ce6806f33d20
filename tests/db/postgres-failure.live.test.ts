import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/common';
import { adoptInstance, readInstance } from '../../src/db/adopt-instance.js';
import { applyDeletions } from '../../src/db/apply-deletions.js';
import { applySnapshots } from '../../src/db/apply-snapshots.js';
import { countLiveUsers } from '../../src/db/count-live-users.js';
import { connectDatabase, type Database } from '../../src/db/database.js';
import {
  countGoneUsers,
  forgetSettledCandidates,
  hasCandidates,
  listGoneUsers,
  listUnaskedCandidates,
  recordAnswer,
  rejectGoneUsers,
} from '../../src/db/deletion-candidates.js';
import { eraseDeletedUsers } from '../../src/db/erase-deleted-users.js';
import { findDrift } from '../../src/db/find-drift.js';
import { findNews } from '../../src/db/find-news.js';
import { findUnlistedUsers } from '../../src/db/find-unlisted-users.js';
import { findUserBefore } from '../../src/db/find-user-before.js';
import { findWindowBounds } from '../../src/db/find-window-bounds.js';
import { giveBackEmails } from '../../src/db/give-back-emails.js';
import { listVersions } from '../../src/db/list-versions.js';
import { migrate } from '../../src/db/migrate.js';
import { pruneReconcileRuns } from '../../src/db/prune-reconcile-runs.js';
import { readClock } from '../../src/db/read-clock.js';
import { readEarlierReconciles } from '../../src/db/read-earlier-reconciles.js';
import { readEndedRun } from '../../src/db/read-ended-run.js';
import { readOverview } from '../../src/db/read-overview.js';
import { recordReconcileRun } from '../../src/db/record-reconcile-run.js';
import {
  recordSyncFailure,
  resolveOutlivedFailures,
  resolveSyncFailure,
} from '../../src/db/sync-failures.js';
import { noTotals } from '../../src/reconcile-totals.js';
import { LONG_TRANSACTION } from '../support/long-transaction.js';
import { waitUntil } from '../support/wait-until.js';
import { createEmptyDatabase } from './empty-database.js';
import { answerOf, snapshotOf, T0 } from './snapshot-of.js';
import { openUsersTable, type UsersTable } from './users-table.js';

const UNLISTED = {
  range: { fromMs: null, toMs: null, after: null, upTo: null },
  listedIds: [],
  observedBeforeMs: T0,
};

/** Every verb of src/db but those that never fail. */
const VERBS: Record<string, (db: Database) => Promise<unknown>> = {
  applySnapshots: (db) => applySnapshots(db, [snapshotOf('user_verb', T0)], 'webhook'),
  applyDeletions: (db) =>
    applyDeletions(db, [{ clerkUserId: 'user_verb', deletedAtMs: T0 }], {
      observedVia: 'webhook',
      writer: 'webhook',
      markUnknown: true,
    }),
  countLiveUsers,
  'eraseDeletedUsers, by emptying': (db) => eraseDeletedUsers(db, { mode: 'anonymise', holdbackMs: 0 }),
  'eraseDeletedUsers, by removing': (db) => eraseDeletedUsers(db, { mode: 'hard', holdbackMs: 0 }),
  findDrift: (db) => findDrift(db, [answerOf('user_verb', T0, T0)], { values: true }),
  findNews: (db) => findNews(db, [answerOf('user_verb', T0, T0)]),
  findUnlistedUsers: (db) => findUnlistedUsers(db, { ...UNLISTED, most: 10 }, { withGone: false }),
  findUserBefore: (db) =>
    findUserBefore(db, { clerkUserId: 'user_verb', clerkCreatedAtMs: T0 }, { fromMs: null, skipped: 0 }),
  findWindowBounds: (db) => findWindowBounds(db, 2),
  adoptInstance: (db) => adoptInstance(db, 'ins_verb'),
  readInstance,
  'findNews of a sweep': (db) => findNews(db, [answerOf('user_verb', T0, T0)], { ...UNLISTED, runId: 'run' }),
  listUnaskedCandidates: (db) => listUnaskedCandidates(db, null, 10),
  recordAnswer: (db) => recordAnswer(db, { gone: ['user_verb'], alive: [], observedAtMs: T0 }),
  countGoneUsers: (db) => countGoneUsers(db, { foundUpToMs: T0, withKept: false }),
  listGoneUsers: (db) => listGoneUsers(db, { foundUpToMs: T0, withKept: false, after: null, most: 10 }),
  hasCandidates,
  rejectGoneUsers: (db) => rejectGoneUsers(db, T0),
  forgetSettledCandidates,
  pruneReconcileRuns,
  readEarlierReconciles,
  readEndedRun: (db) => readEndedRun(db, 'run/run'),
  listVersions,
  readOverview,
  recordReconcileRun: (db) =>
    recordReconcileRun(db, {
      id: 'run',
      kind: 'sweep',
      status: 'running',
      startedAtMs: T0,
      totals: noTotals(),
    }),
  recordSyncFailure: (db) =>
    recordSyncFailure(db, {
      clerkUserId: 'user_verb',
      code: 'X',
      message: '',
      workflowId: '',
      runId: '',
      parked: false,
    }),
  resolveSyncFailure: (db) => resolveSyncFailure(db, 'user_verb'),
  readClock,
  resolveOutlivedFailures: (db) => resolveOutlivedFailures(db, { ms: T0 }),
  giveBackEmails,
};
const eachVerb = test.each(Object.entries(VERBS));

async function failureOf(work: Promise<unknown>): Promise<ApplicationFailure> {
  const thrown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (thrown instanceof ApplicationFailure) return thrown;
  throw new Error('An ApplicationFailure was expected.', { cause: thrown });
}

let table: UsersTable;
beforeAll(async () => {
  table = await openUsersTable();
});
afterAll(() => table.close());

describe('ROW_REJECTED', () => {
  afterEach(async () => {
    await table.db.$executeRaw`DROP INDEX IF EXISTS own_unique_email`;
    await table.db.$executeRaw`ALTER TABLE users DROP CONSTRAINT IF EXISTS own_check`;
  });

  test('names SQLSTATE and constraint, is not retried, and holds no value anywhere', async () => {
    await table.db.$executeRaw`CREATE UNIQUE INDEX own_unique_email ON users (email)`;
    const email = {
      primary_email_address_id: 'idn_1',
      email_addresses: [{ id: 'idn_1', email_address: 'marker@example.com' }],
    };
    await table.apply(snapshotOf('user_a', T0, email));
    const failure = await failureOf(
      table.apply(snapshotOf('user_b', T0, { ...email, first_name: 'Marker' })),
    );
    expect(failure).toMatchObject({ type: 'ROW_REJECTED', nonRetryable: true });
    expect(failure.message).toMatch(/ SQLSTATE 23505, constraint own_unique_email\.$/);
    expect(everythingIn(failure)).not.toMatch(/marker/i);
  });

  test("of an application's own CHECK holds no value either", async () => {
    await table.db.$executeRaw`ALTER TABLE users ADD CONSTRAINT own_check CHECK (first_name <> 'Marker')`;
    const failure = await failureOf(table.apply(snapshotOf('user_c', T0, { first_name: 'Marker' })));
    expect(failure).toMatchObject({ type: 'ROW_REJECTED', nonRetryable: true });
    expect(failure.message).toContain('SQLSTATE 23514');
    expect(everythingIn(failure)).not.toMatch(/marker/i);
  });

  test("of an application's own NOT NULL holds no value either", async () => {
    await table.db.$executeRaw`DELETE FROM users WHERE username IS NULL`;
    await table.db.$executeRaw`ALTER TABLE users ALTER COLUMN username SET NOT NULL`;
    try {
      const failure = await failureOf(table.apply(snapshotOf('user_d', T0, { first_name: 'Marker' })));
      expect(failure).toMatchObject({ type: 'ROW_REJECTED', nonRetryable: true });
      expect(failure.message).toContain('SQLSTATE 23502');
      expect(everythingIn(failure)).not.toMatch(/marker/i);
    } finally {
      await table.db.$executeRaw`ALTER TABLE users ALTER COLUMN username DROP NOT NULL`;
    }
  });

  test("of an application's own trigger that raises holds none of its words", async () => {
    await table.db.$executeRaw`
      CREATE FUNCTION own_check() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'Not you, %', NEW.first_name; END $$`;
    await table.db.$executeRaw`
      CREATE TRIGGER own_check BEFORE INSERT ON users FOR EACH ROW
      WHEN (NEW.first_name = 'Marker') EXECUTE FUNCTION own_check()`;
    try {
      const failure = await failureOf(table.apply(snapshotOf('user_g', T0, { first_name: 'Marker' })));
      expect(failure).toMatchObject({ type: 'ROW_REJECTED', nonRetryable: true });
      expect(failure.message).toContain('SQLSTATE P0001');
      expect(everythingIn(failure)).not.toMatch(/marker|not you/i);
    } finally {
      await table.db.$executeRaw`DROP FUNCTION own_check CASCADE`;
    }
  });

  test('writes nothing of the statement, the others neither', async () => {
    await table.db.$executeRaw`ALTER TABLE users ADD CONSTRAINT own_check CHECK (first_name <> 'Marker')`;
    const page = [snapshotOf('user_e', T0), snapshotOf('user_f', T0, { first_name: 'Marker' })];
    await failureOf(applySnapshots(table.db, page, 'reconcile'));
    expect(await table.db.user.count({ where: { clerkId: { in: ['user_e', 'user_f'] } } })).toBe(0);
    expect(await table.db.userChange.count({ where: { clerkId: { in: ['user_e', 'user_f'] } } })).toBe(0);
  });
});

describe('POSTGRES_UNAVAILABLE', () => {
  afterEach(() => table.database.comeBack());

  eachVerb('comes of %s while Postgres is down, is retried, and goes by itself', async (_, verb) => {
    await verb(table.db);
    await table.database.goDown();
    expect(await failureOf(verb(table.db))).toMatchObject({
      type: 'POSTGRES_UNAVAILABLE',
      nonRetryable: false,
    });
    await table.database.comeBack();
    await verb(table.db);
  });

  /** Does something while nobody else gets at the table. */
  const withLockedTable = (work: () => Promise<void>) =>
    table.db.$transaction(async (transaction) => {
      await transaction.$executeRaw`LOCK TABLE users`;
      await work();
    }, LONG_TRANSACTION);

  /** How many statements wait for the locked table, in the server's eyes. */
  async function statementsWaiting(): Promise<number> {
    const [found] = await table.db.$queryRaw<{ count: bigint }[]>`
      SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
      WHERE NOT granted AND datname = current_database()`;
    return Number(found?.count);
  }

  test('comes of a connection that breaks under a statement', async () => {
    await withLockedTable(async () => {
      const writing = failureOf(applySnapshots(table.db, [snapshotOf('user_broken', T0)], 'webhook'));
      await waitUntil(async () => (await statementsWaiting()) === 1, { describe: 'a statement that waits' });
      await table.db.$queryRaw`
        SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_stat_activity USING (pid)
        WHERE NOT granted AND datname = current_database()`;
      expect(await writing).toMatchObject({ type: 'POSTGRES_UNAVAILABLE', nonRetryable: false });
    });
  });

  test('comes of a statement that takes too long, and the server has ended it', async () => {
    const impatient = connectDatabase({ url: table.database.url, poolSize: 1, statementTimeoutMs: 200 });
    try {
      await withLockedTable(async () => {
        const failure = await failureOf(applySnapshots(impatient, [snapshotOf('user_waits', T0)], 'webhook'));
        expect(failure).toMatchObject({ type: 'POSTGRES_UNAVAILABLE', nonRetryable: false });
        expect(await statementsWaiting()).toBe(0);
      });
      expect(await table.db.user.count({ where: { clerkId: 'user_waits' } })).toBe(0);
    } finally {
      await impatient.$disconnect();
    }
  });

  test('comes of an address where nothing listens', async () => {
    const nowhere = connectDatabase({ url: 'postgres://nobody@127.0.0.1:9/none', poolSize: 1 });
    try {
      expect(await failureOf(countLiveUsers(nowhere))).toMatchObject({ type: 'POSTGRES_UNAVAILABLE' });
    } finally {
      await nowhere.$disconnect();
    }
  });
});

describe('SCHEMA_MISSING', () => {
  eachVerb('comes of %s before the first migration, is retried, and goes with it', async (_, verb) => {
    const empty = await createEmptyDatabase();
    const db = connectDatabase({ url: empty.url, poolSize: 1 });
    try {
      expect(await failureOf(verb(db))).toMatchObject({ type: 'SCHEMA_MISSING', nonRetryable: false });
      await migrate(empty.url);
      await verb(db);
    } finally {
      await db.$disconnect();
      await empty.drop();
    }
  });
});

/** All that could reach a log or a history: message, stack, causes, and hidden properties too. */
function everythingIn(error: Error): string {
  return `${inspect(error, { depth: Number.POSITIVE_INFINITY, showHidden: true })}\n${error.stack}\n${String(error.cause)}`;
}
