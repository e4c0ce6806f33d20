import type { IncomingMessage } from 'node:http';
import { LRUCache } from 'lru-cache';
import { failureCode } from '../failures.js';
import { type Session, sessionOfClaims } from './session.js';
import type { VerifySession } from './verify-session.js';

/** The lifetime of Clerk's session tokens; those of a longer one are verified again once a minute. */
const REMEMBERED_MS = 60_000;

/**
 * @returns the session; null for a request without a bearer token, or with one that is none of a person who signed in.
 *   A promise of it for a token that was not seen before.
 */
export type BearerSession = (request: IncomingMessage) => Session | null | Promise<Session | null>;

/**
 * Verifies the bearer tokens of requests, each token once: it goes along with every request of its minute, and checking
 * a signature takes longer than all the rest.
 *
 * @param most how many tokens are remembered.
 * @throws of the returned function's promise: what `verify` throws, but SESSION_INVALID.
 */
export function createBearerSession(verify: VerifySession, most: number): BearerSession {
  const verified = new LRUCache<string, Session>({ max: most });

  const check = async (token: string): Promise<Session | null> => {
    try {
      const answer = await verify(token);
      const session = sessionOfClaims(answer);
      const leftMs = Number(answer.claims.exp) * 1000 - Date.now();
      if (session !== null && leftMs > 0)
        verified.set(token, session, { ttl: Math.min(leftMs, REMEMBERED_MS) });
      return session;
    } catch (error) {
      if (failureCode(error) === 'SESSION_INVALID') return null;
      throw error;
    }
  };

  return ({ headers: { authorization = '' } }) => {
    const [, token] = /^Bearer +(\S+)$/i.exec(authorization) ?? [];
    if (token === undefined) return null;
    return verified.get(token) ?? check(token);
  };
}
