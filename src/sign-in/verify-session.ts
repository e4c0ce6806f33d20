import { verifyToken } from '@clerk/backend';
import { TokenVerificationError } from '@clerk/backend/errors';
import { createClerkApi } from '../clerk/clerk-api.js';
import { isClerkUserId } from '../clerk/is-clerk-user-id.js';
import { sessionKeyPem } from '../clerk/session-key.js';
import { createSigningKeys, type FindSigningKey } from '../clerk/signing-keys.js';
import { failure } from '../failures.js';
import type { JsonObject } from '../user-change.js';

export interface SessionVerifierOptions {
  /** The instance's public key as PEM. With it no request is made; without it the keys are read from Clerk. */
  jwtKey?: string | undefined;
  /** Needed without `jwtKey`. */
  secretKey?: string | undefined;
  /** Without `/v1`. Default https://api.clerk.com. */
  apiUrl?: string | undefined;
  /** Origins whose tokens are taken (claim `azp`). Without any, a token made for another application of the instance holds too. */
  authorizedParties?: readonly string[] | undefined;
}

/** A person who is signed in, on Clerk's word. */
export interface VerifiedSession {
  clerkUserId: string;
  /** `sess_…` */
  sessionId: string;
  /** All of the token's claims, as Clerk names them; times are Unix seconds. */
  claims: JsonObject;
}

/** @throws see {@link createSessionVerifier}. */
export type VerifySession = (token: string) => Promise<VerifiedSession>;

/** Tokens are checked while somebody waits. */
const KEYS_TIMEOUT_MS = 3_000;

/**
 * Makes the check of session tokens.
 *
 * @returns a function that resolves to the session of a token which this instance signed, which holds now (give or take
 *   5 s), and which belongs to a person: not to a machine, not to somebody who impersonates the user (`act`), and not to
 *   a session with tasks left to do (`sts: pending`). What it throws: SESSION_INVALID for any other token, with the
 *   reason and never the token; CLERK_UNAVAILABLE, CLERK_RATE_LIMITED, CLERK_KEY_REFUSED or CLERK_ANSWER_UNUSABLE when
 *   the keys cannot be read, which is not the caller's fault.
 * @throws Error, at once, for a `jwtKey` that no token would ever verify with, and without any key.
 * @see https://clerk.com/docs/guides/sessions/manual-jwt-verification
 */
export function createSessionVerifier(options: SessionVerifierOptions): VerifySession {
  const { authorizedParties = [] } = options;
  const findKey = keyFinder(options);
  return async (token) => {
    const keyId = keyIdOf(token);
    if (keyId === undefined) throw invalid('token-invalid');
    const jwtKey = await findKey(keyId);
    if (jwtKey === undefined) throw invalid('jwk-kid-mismatch');
    let claims: JsonObject;
    try {
      claims = (await verifyToken(token, {
        jwtKey,
        authorizedParties: [...authorizedParties],
      })) as unknown as JsonObject;
    } catch (error) {
      // With the key at hand, nothing but the token can be wrong. The SDK's message may quote it, so only the reason goes on.
      throw invalid(error instanceof TokenVerificationError ? error.reason : 'token-invalid');
    }
    return sessionOf(claims);
  };
}

function keyFinder({ jwtKey, secretKey, apiUrl }: SessionVerifierOptions): FindSigningKey {
  if (jwtKey !== undefined) {
    const pem = sessionKeyPem(jwtKey);
    return async () => pem;
  }
  if (secretKey === undefined) throw new Error('Session tokens cannot be verified without a key.');
  return createSigningKeys(
    createClerkApi({ secretKey, apiUrl: apiUrl ?? 'https://api.clerk.com', timeoutMs: KEYS_TIMEOUT_MS }),
  );
}

/** @returns undefined for what is no JWT; the id is '' where the header names none. */
function keyIdOf(token: string): string | undefined {
  const [header = '', payload, signature, ...more] = token.split('.');
  if (!payload || !signature || more.length > 0) return undefined;
  try {
    const parsed: unknown = JSON.parse(Buffer.from(header, 'base64url').toString());
    if (typeof parsed !== 'object' || parsed === null) return undefined;
    return 'kid' in parsed && typeof parsed.kid === 'string' ? parsed.kid : '';
  } catch {
    return undefined;
  }
}

/** A signed token may still be none of a person who signed in. */
function sessionOf(claims: JsonObject): VerifiedSession {
  const { sub, sid, sts, act } = claims;
  if (!isClerkUserId(sub)) throw invalid('subject-is-no-user');
  if (typeof sid !== 'string' || sid === '') throw invalid('token-of-no-session');
  if (act !== undefined && act !== null) throw invalid('impersonation');
  if (sts === 'pending') throw invalid('session-pending');
  return { clerkUserId: sub, sessionId: sid, claims };
}

const invalid = (reason: string) => failure('SESSION_INVALID', `Reason: ${reason}.`);
