import type { ClerkApi } from '../clerk/clerk-api.js';
import { listUsers, MOST_IDS } from '../clerk/list-users.js';
import { toUserSnapshot } from '../clerk/to-user-snapshot.js';
import type { Database } from '../db/database.js';
import { type FieldValues, findDrift } from '../db/find-drift.js';
import type { UserMapping } from '../user-mapping.js';

export interface CompareValuesOptions {
  clerk: ClerkApi;
  db: Database;
  keepPrivateMetadata: boolean;
  mapping?: UserMapping | undefined;
}

/**
 * Asks Clerk for users by id and compares them with their rows, field by field. Here and not in an activity, for what it
 * returns is personal data and must not enter Temporal.
 *
 * @returns the fields that differ, by user; nothing of users who are equal by now or whom Clerk does not have.
 * @throws what the Clerk and Postgres rooms throw, USER_UNUSABLE and MAPPING_FAILED.
 */
export async function compareValues(
  { clerk, db, keepPrivateMetadata, mapping }: CompareValuesOptions,
  ids: readonly string[],
): Promise<Map<string, readonly FieldValues[]>> {
  const found = new Map<string, readonly FieldValues[]>();
  for (let start = 0; start < ids.length; start += MOST_IDS) {
    const page = await listUsers(clerk, { by: 'id', ids: ids.slice(start, start + MOST_IDS) });
    if (page === 'cursor-refused') continue;
    const { observedAtMs } = page;
    const observation = { observedAtMs, observedVia: 'api', keepPrivateMetadata, mapping } as const;
    const snapshots = page.users.map((user) => toUserSnapshot(user, observation));
    const { drifts } = await findDrift(db, snapshots, { values: true });
    for (const { clerkUserId, values = [] } of drifts) found.set(clerkUserId, values);
  }
  return found;
}
