import {
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  randomUUID,
  sign,
} from 'node:crypto';
import { promisify } from 'node:util';

/** `azp`: the origin that asked for the token. Allow it in `authorizedParties`. */
export const TOKEN_ORIGIN = 'http://localhost:3000';
const FRONTEND_API_HOST = 'clerk.stand-in.localhost';
const LIFETIME_SECONDS = 60;

/** `null` or undefined removes a claim that would be there by default. */
export type TokenClaims = { readonly sub: string } & Readonly<Record<string, unknown>>;

/** The RSA-2048 key that signs session tokens, in the shapes in which others want to know it. */
export class SessionKeys {
  readonly publishableKey =
    `pk_test_${Buffer.from(`${FRONTEND_API_HOST}$`).toString('base64').replace(/=+$/, '')}`;
  /** What CLERK_JWT_KEY holds: SPKI, the only form that the SDK reads. */
  readonly jwtKey: string;
  readonly privateKeyPem: string;
  readonly #privateKey: KeyObject;
  readonly #keyId: string;
  readonly #now: () => number;

  private constructor(privateKeyPem: string, keyId: string, now: () => number) {
    this.privateKeyPem = privateKeyPem;
    this.#privateKey = createPrivateKey(privateKeyPem);
    this.jwtKey = createPublicKey(this.#privateKey).export({ type: 'spki', format: 'pem' }).toString();
    this.#keyId = keyId;
    this.#now = now;
  }

  /** @param privateKeyPem one used before, so that a restart does not invalidate a configured CLERK_JWT_KEY */
  static async create(keyId: string, now: () => number, privateKeyPem?: string): Promise<SessionKeys> {
    return new SessionKeys(privateKeyPem ?? (await newPrivateKey()), keyId, now);
  }

  /** GET /jwks. */
  jwks(): { keys: object[] } {
    const key = createPublicKey(this.#privateKey).export({ format: 'jwk' });
    return { keys: [{ use: 'sig', alg: 'RS256', kid: this.#keyId, ...key }] };
  }

  /** @returns a session token with Clerk's v2 claims, valid for 60 s unless `claims` say otherwise */
  mintToken(claims: TokenClaims): string {
    const iat = Math.floor(this.#now() / 1000);
    const payload = {
      azp: TOKEN_ORIGIN,
      exp: iat + LIFETIME_SECONDS,
      fva: [0, -1],
      iat,
      iss: `https://${FRONTEND_API_HOST}`,
      jti: randomUUID().replaceAll('-', ''),
      nbf: iat - 10,
      sid: 'sess_000000000000000000000000000',
      sts: 'active',
      v: 2,
      ...claims,
    };
    const kept = Object.fromEntries(Object.entries(payload).filter(([, value]) => value !== null));
    const signed = `${encode({ alg: 'RS256', kid: this.#keyId, typ: 'JWT' })}.${encode(kept)}`;
    return `${signed}.${sign('RSA-SHA256', Buffer.from(signed), this.#privateKey).toString('base64url')}`;
  }
}

const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');

/** One a process: generating takes a good part of a second, and every test starts a stand-in. */
let generated: Promise<string> | undefined;

function newPrivateKey(): Promise<string> {
  generated ??= promisify(generateKeyPair)('rsa', { modulusLength: 2048 }).then(({ privateKey }) =>
    privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  );
  return generated;
}
