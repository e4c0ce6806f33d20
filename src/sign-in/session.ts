import type { JsonObject } from '../user-change.js';

/** Somebody who signed in. */
export interface Session {
  clerkUserId: string;
  /** Clerk's session id (`sid`); the user's id for a token that names no session. */
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
  return { clerkUserId, key: sessionId || clerkUserId, claims };
}
