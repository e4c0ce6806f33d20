import { applyDeletions } from '../../src/db/apply-deletions.js';
import { applySnapshots } from '../../src/db/apply-snapshots.js';
import { connectDatabase, type Database } from '../../src/db/database.js';
import type { ObservedVia, Outcome, UserSnapshot, Writer } from '../../src/user-change.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

/** A migrated database of a test file's own, and the questions its tests ask. Close it in `afterAll`. */
export interface UsersTable {
  database: TestDatabase;
  db: Database;
  /** @returns the outcome of one user's snapshot. */
  apply(snapshot: UserSnapshot, writer?: Writer): Promise<Outcome | undefined>;
  /** @returns the outcome of one user's deletion, by default by a webhook that marks the unknown, too. */
  remove(clerkUserId: string, deletedAtMs: number, how?: Partial<Removal>): Promise<Outcome | undefined>;
  /** @throws when there is none. */
  row(clerkUserId: string): ReturnType<Database['user']['findUniqueOrThrow']>;
  /** The user's entries of the change log, oldest first. */
  changes(clerkUserId: string): ReturnType<Database['userChange']['findMany']>;
  /** Another one after every write to the row, even of what it had. */
  writing(clerkUserId: string): Promise<unknown>;
  close(): Promise<void>;
}

interface Removal {
  observedVia: ObservedVia;
  writer: Writer;
  markUnknown: boolean;
}

export async function openUsersTable(poolSize = 4): Promise<UsersTable> {
  const database = await createTestDatabase();
  const db = connectDatabase({ url: database.url, poolSize, connectTimeoutMs: 120_000 });
  return {
    database,
    db,
    async apply(snapshot, writer = 'webhook') {
      return only(await applySnapshots(db, [snapshot], writer), snapshot.clerkUserId);
    },
    async remove(clerkUserId, deletedAtMs, how = {}) {
      const options: Removal = { observedVia: 'webhook', writer: 'webhook', markUnknown: true, ...how };
      return only(await applyDeletions(db, [{ clerkUserId, deletedAtMs }], options), clerkUserId);
    },
    row: (clerkId) => db.user.findUniqueOrThrow({ where: { clerkId } }),
    changes: (clerkId) => db.userChange.findMany({ where: { clerkId }, orderBy: { id: 'asc' } }),
    writing: (clerkId) => db.$queryRaw`SELECT xmin::text, ctid::text FROM users WHERE clerk_id = ${clerkId}`,
    async close() {
      await db.$disconnect();
      await database.drop();
    },
  };
}

function only(
  results: { clerkUserId: string; outcome: Outcome }[],
  clerkUserId: string,
): Outcome | undefined {
  if (results.length === 1 && results[0]?.clerkUserId === clerkUserId) return results[0].outcome;
  throw new Error(`One outcome of ${clerkUserId} was expected, not ${JSON.stringify(results)}.`);
}
