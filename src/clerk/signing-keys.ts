import type { JsonWebKey } from 'node:crypto';
import { failure } from '../failures.js';
import type { ClerkApi } from './clerk-api.js';
import { sessionKeyPem } from './session-key.js';

/** @returns the key of that id as SPKI PEM, or undefined when Clerk has no such key. */
export type FindSigningKey = (keyId: string) => Promise<string | undefined>;

/** How long Clerk's keys hold before they are read again; as long as in Clerk's SDK. */
const FRESH_MS = 300_000;
/** So long before, they are read again while they hold, so that nobody waits for it. */
const EARLY_MS = 60_000;
/** Anybody can send a token with a made-up key id: it must not cost Clerk a request each time. */
const ASK_AGAIN_MS = 30_000;
/** As long a failure is everybody's answer who would have Clerk asked. */
const REST_AFTER_FAILURE_MS = 1_000;

/**
 * Reads the instance's public keys from Clerk and keeps them. Clerk's own SDK asks once for each token that comes while
 * it has none, and once for each made-up key id; this asks once for all that wait, and for a new id twice a minute.
 * Keys once read go on holding while Clerk does not answer.
 *
 * @throws of the returned function: what {@link ClerkApi.get} throws, and CLERK_ANSWER_UNUSABLE for keys that cannot be read.
 * @see https://clerk.com/docs/reference/backend-api/tag/jwks/GET/jwks
 */
export function createSigningKeys(api: ClerkApi, now: () => number = Date.now): FindSigningKey {
  let keys = new Map<string, string>();
  let freshUntilMs = 0;
  let readAgainAtMs = 0;
  let askAgainAtMs = 0;
  let reading: Promise<void> | undefined;
  let failed: { error: unknown; untilMs: number } | undefined;

  const read = async (): Promise<void> => {
    try {
      keys = await readKeys(api);
      freshUntilMs = now() + FRESH_MS;
      readAgainAtMs = freshUntilMs - EARLY_MS;
      askAgainAtMs = now() + ASK_AGAIN_MS;
    } catch (error) {
      readAgainAtMs = now() + ASK_AGAIN_MS;
      freshUntilMs = Math.max(freshUntilMs, readAgainAtMs + EARLY_MS);
      failed = { error, untilMs: now() + REST_AFTER_FAILURE_MS };
      throw error;
    } finally {
      reading = undefined;
    }
  };

  return async (keyId) => {
    const known = keys.get(keyId);
    const due = known === undefined ? askAgainAtMs : readAgainAtMs;
    if (now() < due) return known;
    if (known === undefined && failed !== undefined && now() < failed.untilMs) throw failed.error;
    reading ??= read();
    if (known !== undefined && now() < freshUntilMs) {
      reading.catch(() => undefined);
      return known;
    }
    try {
      await reading;
    } catch (error) {
      if (known === undefined) throw error;
      return known;
    }
    return keys.get(keyId);
  };
}

async function readKeys(api: ClerkApi): Promise<Map<string, string>> {
  const { status, body } = await api.get('/jwks');
  const found = typeof body === 'object' && body !== null && 'keys' in body ? body.keys : undefined;
  if (status !== 200 || !Array.isArray(found) || found.length === 0)
    throw failure('CLERK_ANSWER_UNUSABLE', `GET /jwks: status ${status}, no keys.`);
  const keys = new Map<string, string>();
  let cause: unknown;
  for (const key of found as (JsonWebKey & { kid?: unknown })[]) {
    try {
      keys.set(String(key.kid), sessionKeyPem(key));
    } catch (error) {
      // A key of a kind that Clerk adds one day signs none of our tokens, and must not end all sign-ins.
      cause = error;
    }
  }
  if (keys.size === 0)
    throw failure('CLERK_ANSWER_UNUSABLE', 'GET /jwks: no key is RSA of 2048 bits.', { cause });
  return keys;
}
