import type { ClerkApi } from '../clerk/clerk-api.js';
import { getUser } from '../clerk/get-user.js';
import { isClerkUserId } from '../clerk/is-clerk-user-id.js';
import { toUserSnapshot } from '../clerk/to-user-snapshot.js';
import { applySnapshots } from '../db/apply-snapshots.js';
import type { Database } from '../db/database.js';
import { readUser, type UserRow } from '../db/read-user.js';
import { failure } from '../failures.js';
import type { JsonObject, ObservedVia, Outcome, UserSnapshot } from '../user-change.js';
import type { UserMapping } from '../user-mapping.js';
import { requireInstance } from './require-instance.js';
import { type ClerkSdkUser, type ClerkUserJson, userJsonOf } from './user-json-of.js';

export interface SignInDependencies<Mapping extends UserMapping | undefined = UserMapping | undefined> {
  db: Database;
  /** Of the Clerk instance whose users the table holds. */
  clerk: ClerkApi;
  /** Whether `private_metadata` is stored. Default false; the worker's STORE_PRIVATE_METADATA must say the same. */
  keepPrivateMetadata?: boolean;
  /** Columns of the application's, which the row then has besides; the worker must have the same. */
  mapping?: Mapping;
  /** Ends the request to Clerk; a statement that has begun goes on. */
  signal?: AbortSignal;
}

export interface SyncedUser<Mapping extends UserMapping | undefined = undefined> {
  outcome: Outcome;
  /** The user's row once it returned, whoever wrote it; null when there is none, and when the user was deleted. */
  row: UserRow<Mapping> | null;
}

/**
 * Makes sure that the user's row is there and no older than what was handed in.
 *
 * @param user an id, and Clerk is asked; or the user as Clerk's SDK, its API or a webhook gave it. How old such an object
 *   is nobody knows, so it counts as a webhook's word: it never ends a tombstone, and never replaces what is newer. Whose
 *   instance it is of is the caller's to know; with an id, it is checked.
 * @returns the row, and the outcome: as {@link applySnapshots} says, or `ignored` when Clerk, asked, does not have the
 *   user, who is then not created.
 * @throws TypeError for what is no user of Clerk's and no id of one, USER_UNUSABLE and ROW_REJECTED, which no repeat can cure;
 *   INSTANCE_CHANGED, and what {@link ClerkApi.get} and the database throw, which one may. All but the first have the
 *   code in `type`.
 * @remarks Safe to repeat, and to run beside itself and every other writer: the freshness rule decides in the statement.
 *   When nothing is newer, nothing is written.
 */
export async function syncUserWithDatabase<Mapping extends UserMapping | undefined = undefined>(
  user: string | ClerkUserJson | ClerkSdkUser | JsonObject,
  deps: SignInDependencies<Mapping>,
): Promise<SyncedUser<Mapping>> {
  const read = (clerkUserId: string) => readUser<Mapping>(deps.db, clerkUserId, deps);
  const { snapshot, instanceId } =
    typeof user === 'string'
      ? await ask(user, deps)
      : { snapshot: snapshotOf(userJsonOf(user), deps), instanceId: null };
  if (snapshot === null) return { outcome: 'ignored', row: await read(user as string) };
  const [applied] = await applySnapshots(deps.db, [snapshot], 'sign-in', instanceId);
  if (applied === undefined) throw failure('POSTGRES_UNAVAILABLE', 'The statement returned no outcome.');
  return { outcome: applied.outcome, row: await read(snapshot.clerkUserId) };
}

async function ask(
  clerkUserId: string,
  deps: SignInDependencies,
): Promise<{ snapshot: UserSnapshot | null; instanceId: string }> {
  // Not repeated in the message: it may be an e-mail address.
  if (!isClerkUserId(clerkUserId)) throw new TypeError("This is no id of a user of Clerk's: user_….");
  const instanceId = await requireInstance(deps);
  const { user, observedAtMs } = await getUser(deps.clerk, clerkUserId, deps.signal);
  const snapshot = user === null ? null : snapshotOf(user, deps, { observedVia: 'api', observedAtMs });
  return { snapshot, instanceId };
}

function snapshotOf(
  user: JsonObject,
  { keepPrivateMetadata = false, mapping }: SignInDependencies,
  observed: { observedVia: ObservedVia; observedAtMs: number } = {
    observedVia: 'webhook',
    // Looked at in toUserSnapshot, which refuses a user without it.
    observedAtMs: Number(user.updated_at),
  },
): UserSnapshot {
  return toUserSnapshot(user, { ...observed, keepPrivateMetadata, mapping });
}
