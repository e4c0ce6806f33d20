import type { UserRow } from '../db/read-user.js';
import type { UserMapping } from '../user-mapping.js';

/** Registered, so that two copies of this package, as of ESM and of CommonJS, understand each other. */
const SYNCED_USER = Symbol.for('clerk-temporal-sync.user');

type WithSyncedUser = { [SYNCED_USER]?: UserRow | null };

/**
 * With `getSyncedUser<typeof mapping>(request)` the row's type has the columns of the mapping that `syncOnSignIn` was given.
 *
 * @returns the row of the user who sends the request; null when nobody is signed in by it, and when the row could not
 *   be made sure of. It is shared by the requests of a session: change a copy.
 * @throws Error when the middleware `syncOnSignIn` did not run before.
 */
export function getSyncedUser<Mapping extends UserMapping | undefined = undefined>(
  request: object,
): UserRow<Mapping> | null {
  const row = (request as WithSyncedUser)[SYNCED_USER];
  if (row === undefined)
    throw new Error('No syncOnSignIn ran for this request. Mount it before: app.use(syncOnSignIn({ … })).');
  // Which mapping the middleware has, only the application knows.
  return row as UserRow<Mapping> | null;
}

/** Leaves the row to {@link getSyncedUser}. */
export function setSyncedUser(request: object, row: UserRow | null): void {
  (request as WithSyncedUser)[SYNCED_USER] = row;
}
