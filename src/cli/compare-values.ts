import type { ClerkApi } from '../clerk/clerk-api.js';
import { listUsers, MOST_IDS } from '../clerk/list-users.js';
import { toUserSnapshot } from '../clerk/to-user-snapshot.js';
import type { Database } from '../db/database.js';
import type { JsonValue, UserSnapshot } from '../user-change.js';

/** What a field holds here and what Clerk says; personal data. */
export interface FieldValues {
  field: string;
  stored: JsonValue;
  incoming: JsonValue;
}

/** Compares users with their rows, and writes nothing; gives back those that differ. */
export type FindValues = (
  db: Database,
  snapshots: readonly UserSnapshot[],
) => Promise<readonly { clerkUserId: string; values?: readonly FieldValues[] }[]>;

export interface CompareValuesOptions {
  clerk: ClerkApi;
  db: Database;
  keepPrivateMetadata: boolean;
  findValues: FindValues;
}

/**
 * Asks Clerk for users by id and compares them with their rows, field by field. Here and not in an activity, for what it
 * returns is personal data and must not enter Temporal.
 *
 * @returns the fields that differ, by user; nothing of users who are equal by now or whom Clerk does not have.
 * @throws what the Clerk and Postgres rooms throw, and USER_UNUSABLE.
 */
export async function compareValues(
  { clerk, db, keepPrivateMetadata, findValues }: CompareValuesOptions,
  ids: readonly string[],
): Promise<Map<string, readonly FieldValues[]>> {
  const found = new Map<string, readonly FieldValues[]>();
  for (let start = 0; start < ids.length; start += MOST_IDS) {
    const page = await listUsers(clerk, { by: 'id', ids: ids.slice(start, start + MOST_IDS) });
    if (page === 'cursor-refused') continue;
    const observation = { observedAtMs: page.observedAtMs, observedVia: 'api', keepPrivateMetadata } as const;
    const snapshots = page.users.map((user) => toUserSnapshot(user, observation));
    for (const { clerkUserId, values = [] } of await findValues(db, snapshots))
      found.set(clerkUserId, values);
  }
  return found;
}
