import type { JsonObject } from '../user-change.js';
import { type Session, sessionOfClaims } from './session.js';

/** What is used of the auth object of Clerk's SDKs; theirs has more, and differs by the kind of token. */
interface Auth {
  tokenType?: unknown;
  userId?: unknown;
  sessionId?: unknown;
  sessionClaims?: unknown;
  actor?: unknown;
}

/**
 * Reads what Clerk's own middleware found out about a request.
 *
 * @returns the session; null when the request is nobody's sign-in: signed out, a pending session, an impersonation, an
 *   API key, a machine's or an OAuth token; undefined when Clerk's middleware did not run.
 * @see https://clerk.com/docs/reference/express/clerk-middleware
 */
export function sessionOfRequest(request: object): Session | null | undefined {
  if (!('auth' in request) || typeof request.auth !== 'function') return undefined;
  const auth: unknown = request.auth();
  // Other libraries have a `req.auth` too.
  if (typeof auth !== 'object' || auth === null || !('tokenType' in auth)) return undefined;
  const { tokenType, userId, sessionId, sessionClaims, actor } = auth as Auth;
  if (tokenType !== 'session_token' || typeof userId !== 'string' || userId === '' || actor != null)
    return null;
  return sessionOfClaims({
    clerkUserId: userId,
    sessionId: typeof sessionId === 'string' ? sessionId : null,
    claims: (sessionClaims ?? {}) as JsonObject,
  });
}
