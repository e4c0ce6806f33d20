import type { UserSnapshot } from '../user-change.js';
import type { KnownClaims } from './claimed-user.js';

/**
 * A user of whom no more is known than the token says, to be written where there is no row yet.
 *
 * @returns a snapshot of version 0: it loses against every row, and every snapshot of Clerk's replaces it. As a webhook's
 *   word it ends no tombstone. Its hash is no user's, so a reconcile repairs it; and it is
 *   not empty, which would mean that the row was anonymised. The creation time is 0 too, for rows
 *   without one lie on no page of a sweep, which so finds it if Clerk turns out not to have the user.
 */
export function provisionalSnapshot(clerkUserId: string, claimed: KnownClaims): UserSnapshot {
  const { firstName, lastName } = claimed;
  return {
    clerkUserId,
    clerkCreatedAtMs: 0,
    clerkUpdatedAtMs: 0,
    observedAtMs: 0,
    observedVia: 'webhook',
    columns: {
      ...claimed,
      name: [firstName, lastName].filter((part) => part !== null).join(' ') || null,
      banned: false,
      deprovisioned: false,
    },
    locked: false,
    lastSignInAtMs: null,
    raw: {},
    contentHash: 'provisional',
  };
}
