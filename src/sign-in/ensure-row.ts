import { applySnapshots } from '../db/apply-snapshots.js';
import { readUser } from '../db/read-user.js';
import type { KnownClaims } from './claimed-user.js';
import { provisionalSnapshot } from './provisional-snapshot.js';
import { requireInstance } from './require-instance.js';
import type { Session } from './session.js';
import { type SignInDependencies, type SyncedUser, syncUserWithDatabase } from './sync-user-with-database.js';

export interface EnsuredRow extends SyncedUser {
  /** Whether the row was made of the token's claims just now, so that the rest of the user is to follow. */
  isProvisional: boolean;
}

/**
 * Makes sure that somebody who signed in has a row. One that is there is taken as it is, for webhooks and the reconcile
 * keep it fresh: Clerk is asked for a missing one only, and not even then if the token says enough. A row made of what a
 * token says is of a user whom Clerk may have deleted a moment ago; the hand-over, or the next sweep, finds that out.
 *
 * @param knownBy what the session's claims say of the user; null when they say too little, and Clerk is to be asked.
 * @returns the row; null when the user is deleted or Clerk does not have them.
 * @throws what {@link syncUserWithDatabase} throws for an id.
 * @remarks Safe to repeat and beside other writers, as all it calls is.
 */
export async function ensureRow(
  session: Session,
  deps: SignInDependencies,
  knownBy?: (session: Session) => KnownClaims | null,
): Promise<EnsuredRow> {
  const { clerkUserId } = session;
  const { db, mapping } = deps;
  const row = await readUser(db, clerkUserId, { mapping });
  if (row !== null) return { outcome: 'unchanged', row, isProvisional: false };
  const claimed = knownBy?.(session) ?? null;
  if (claimed === null) return { ...(await syncUserWithDatabase(clerkUserId, deps)), isProvisional: false };
  const instanceId = await requireInstance(deps);
  const snapshot = provisionalSnapshot(clerkUserId, claimed);
  const [applied] = await applySnapshots(db, [snapshot], 'sign-in', instanceId);
  const outcome = applied?.outcome ?? 'stale';
  return { outcome, row: await readUser(db, clerkUserId, { mapping }), isProvisional: outcome === 'created' };
}
