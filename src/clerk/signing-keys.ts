import type { JsonWebKey } from 'node:crypto';
import { failure } from '../failures.js';
import type { ClerkApi } from './clerk-api.js';
import { sessionKeyPem } from './session-key.js';

/** @returns the key of that id as SPKI PEM, or undefined when Clerk has no such key. */
export type FindSigningKey = (keyId: string) => Promise<string | undefined>;

/** How long Clerk's keys hold before they are read again; as long as in Clerk's SDK. */
const FRESH_MS = 300_000;
/** Anybody can send a token with a made-up key id: it must not cost Clerk a request each time. */
const ASK_AGAIN_MS = 30_000;

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
  let askAgainAtMs = 0;
  let reading: Promise<void> | undefined;

  const read = async (): Promise<void> => {
    try {
      keys = await readKeys(api);
      freshUntilMs = now() + FRESH_MS;
      askAgainAtMs = now() + ASK_AGAIN_MS;
    } catch (error) {
      if (keys.size === 0) throw error;
      freshUntilMs = now() + ASK_AGAIN_MS;
      throw error;
    } finally {
      reading = undefined;
    }
  };

  return async (keyId) => {
    const known = keys.get(keyId);
    const due = known === undefined ? askAgainAtMs : freshUntilMs;
    if (now() < due) return known;
    reading ??= read();
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
  try {
    return new Map(found.map((key: JsonWebKey & { kid?: unknown }) => [String(key.kid), sessionKeyPem(key)]));
  } catch (cause) {
    throw failure('CLERK_ANSWER_UNUSABLE', 'GET /jwks: a key is not RSA of 2048 bits.', { cause });
  }
}
