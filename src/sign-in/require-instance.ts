import type { ClerkApi } from '../clerk/clerk-api.js';
import { getInstanceId } from '../clerk/get-instance-id.js';
import { adoptInstance } from '../db/adopt-instance.js';
import type { Database } from '../db/database.js';
import { failure } from '../failures.js';

/** A key's instance never changes, so Clerk is asked once a key, however often the table then says no. */
const instanceIds = new WeakMap<ClerkApi, Promise<string>>();
const matched = new WeakMap<ClerkApi, WeakMap<Database, string>>();

/**
 * Sees to it that the key belongs to the Clerk instance whose users the table holds; an empty table adopts the key's.
 * An application with a key of another instance would write that one's users beside ours.
 *
 * @returns the key's instance.
 * @throws INSTANCE_CHANGED, and what the Clerk and Postgres rooms throw, all retried.
 * @see activities/require-instance.ts for the worker's own.
 */
export async function requireInstance({ clerk, db }: { clerk: ClerkApi; db: Database }): Promise<string> {
  const known = matched.get(clerk)?.get(db);
  if (known !== undefined) return known;
  const instanceId = await instanceIdOf(clerk);
  const adopted = await adoptInstance(db, instanceId);
  if (adopted !== instanceId)
    throw failure('INSTANCE_CHANGED', `The key is of ${instanceId}, the table of ${adopted}.`);
  matched.set(clerk, (matched.get(clerk) ?? new WeakMap()).set(db, instanceId));
  return instanceId;
}

/** All who ask at the same time share one request, so it heeds nobody's signal. */
function instanceIdOf(clerk: ClerkApi): Promise<string> {
  const known = instanceIds.get(clerk);
  if (known !== undefined) return known;
  const asked = getInstanceId(clerk);
  instanceIds.set(clerk, asked);
  asked.catch(() => instanceIds.delete(clerk));
  return asked;
}
