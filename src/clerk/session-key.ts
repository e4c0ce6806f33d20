import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';

/**
 * Brings a public key that verifies session tokens into the one form that Clerk's SDK reads; any other it would take
 * as well, and then refuse every token.
 *
 * @param key a PEM ("BEGIN PUBLIC KEY"; line breaks may be missing, or be a literal `\n` as in many an .env file), or a
 *   key out of Clerk's JWKS.
 * @returns the same key as SPKI PEM.
 * @throws Error that says what is wrong with it, without the key.
 */
export function sessionKeyPem(key: string | JsonWebKey): string {
  const read = readKey(key);
  const { modulusLength, publicExponent } = read?.asymmetricKeyDetails ?? {};
  if (read?.asymmetricKeyType !== 'rsa' || modulusLength !== 2048 || publicExponent !== 65_537n) {
    throw new Error(
      'The key is not an RSA public key of 2048 bits. Copy "JWKS Public Key" from the API keys page of Clerk\'s dashboard: it begins with -----BEGIN PUBLIC KEY-----.',
    );
  }
  return read.export({ type: 'spki', format: 'pem' }).toString();
}

function readKey(key: string | JsonWebKey): KeyObject | undefined {
  try {
    if (typeof key !== 'string') return createPublicKey({ key, format: 'jwk' });
    const base64 = key.replace(/-----(BEGIN|END) PUBLIC KEY-----|\\r|\\n|["'\s]/g, '');
    return createPublicKey({ key: Buffer.from(base64, 'base64'), format: 'der', type: 'spki' });
  } catch {
    // What OpenSSL says of it helps nobody; the caller's error does.
    return undefined;
  }
}
