import type { JsonObject } from '../user-change.js';

/** Somebody who signed in. */
export interface Session {
  clerkUserId: string;
  /** The user's id and Clerk's session id (`sid`), if the token names one: an id that two users share opens nobody's row. */
  key: string;
  /** What the session token says, custom claims included. */
  claims: JsonObject;
}

/** The token's claims as they are known once its signature held. */
export interface SessionClaims {
  clerkUserId: string;
  sessionId: string | null | undefined;
  claims: JsonObject;
}

/**
 * @returns the session; null when nobody signed in by it: somebody else acts as the user (`act`), or Clerk still asks
 *   something of them (`sts: 'pending'`).
 * @see https://clerk.com/docs/guides/sessions/session-tokens
 */
export function sessionOfClaims({ clerkUserId, sessionId, claims }: SessionClaims): Session | null {
  if (claims.act != null || claims.sts === 'pending') return null;
  return { clerkUserId, key: sessionId ? `${clerkUserId} ${sessionId}` : clerkUserId, claims };
}
