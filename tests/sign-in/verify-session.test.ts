import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { TOKEN_ORIGIN } from '../../src/clerk-stand-in/session-keys.js';
import { type StandIn, startStandIn } from '../../src/clerk-stand-in/start-stand-in.js';
import { createSessionVerifier, type VerifySession } from '../../src/sign-in/verify-session.js';
import { waitUntil } from '../support/wait-until.js';

const sub = 'user_ada';
let standIn: StandIn;
let verify: VerifySession;
beforeAll(async () => {
  standIn = await startStandIn();
  verify = createSessionVerifier({ jwtKey: standIn.jwtKey, authorizedParties: [TOKEN_ORIGIN] });
});
afterAll(() => standIn.stop());

const seconds = () => Math.floor(Date.now() / 1000);
const refused = (reason: string) =>
  expect.objectContaining({
    type: 'SESSION_INVALID',
    nonRetryable: true,
    message: expect.stringContaining(`Reason: ${reason}.`),
  });

const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
const claims = () => ({ sub, sid: 'sess_1', azp: TOKEN_ORIGIN, iat: seconds(), exp: seconds() + 60 });
const header = () => ({ alg: 'RS256', typ: 'JWT', kid: standIn.instanceId });
/** A token made by hand. @param key null leaves the signature to `signature`. */
function made(key: KeyObject, { head = {}, body = {} }: { head?: object; body?: object } = {}): string {
  const signed = `${encode({ ...header(), ...head })}.${encode({ ...claims(), ...body })}`;
  return `${signed}.${sign('RSA-SHA256', Buffer.from(signed), key).toString('base64url')}`;
}
const newKeys = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength });

describe('a session token of the instance', () => {
  test('tells user, session and claims, without a request to Clerk', async () => {
    const token = standIn.mintToken({ sub, sid: 'sess_7', plan: 'pro' });
    expect(await verify(token)).toEqual({
      clerkUserId: sub,
      sessionId: 'sess_7',
      claims: expect.objectContaining({ sub, sid: 'sess_7', plan: 'pro', azp: TOKEN_ORIGIN }),
    });
    expect(standIn.stats.total).toBe(0);
  });

  test('holds within the 5 s that clocks may differ', async () => {
    await expect(verify(standIn.mintToken({ sub, exp: seconds() - 3 }))).resolves.toBeDefined();
    await expect(verify(standIn.mintToken({ sub, nbf: seconds() + 3 }))).resolves.toBeDefined();
  });

  test.each<[string, (pem: string) => string]>([
    ['with literal \\n, as an .env file has it', (pem) => pem.replaceAll('\n', '\\n')],
    ['in quotes', (pem) => `"${pem.replaceAll('\n', '\\n')}"`],
    ['on one line', (pem) => pem.replaceAll('\n', '')],
    ['with the line breaks of Windows', (pem) => pem.replaceAll('\n', '\r\n')],
    ['without its frame', (pem) => pem.replace(/-----[A-Z ]+-----/g, '')],
  ])('verifies with the key %s', async (_, written) => {
    const verifier = createSessionVerifier({ jwtKey: written(standIn.jwtKey) });
    await expect(verifier(standIn.mintToken({ sub }))).resolves.toMatchObject({ clerkUserId: sub });
  });

  test('of any origin holds where no origin is named', async () => {
    const verifier = createSessionVerifier({ jwtKey: standIn.jwtKey });
    const token = standIn.mintToken({ sub, azp: 'https://elsewhere.example.com' });
    await expect(verifier(token)).resolves.toMatchObject({ clerkUserId: sub });
  });
});

describe('SESSION_INVALID, and nothing else, is what becomes of a token', () => {
  const key = () => newKeys(2048).privateKey;
  const publicPem = () => standIn.jwtKey;
  test.each<[string, string, () => string]>([
    ['that another key signed', 'token-invalid-signature', () => made(key())],
    ['that a key of 4096 bits signed', 'token-invalid-signature', () => made(newKeys(4096).privateKey)],
    [
      'whose claims were changed after it was signed',
      'token-invalid-signature',
      () => {
        const [head, , signature] = standIn.mintToken({ sub }).split('.');
        return `${head}.${encode({ ...claims(), sub: 'user_other' })}.${signature}`;
      },
    ],
    [
      'that is not signed (alg none)',
      'token-invalid-algorithm',
      () => `${encode({ alg: 'none', typ: 'JWT' })}.${encode(claims())}.AA`,
    ],
    ['without its signature', 'token-invalid', () => `${encode(header())}.${encode(claims())}.`],
    [
      'signed with the public key as an HS256 secret',
      'token-invalid-algorithm',
      () => {
        const signed = `${encode({ ...header(), alg: 'HS256' })}.${encode(claims())}`;
        return `${signed}.${createHmac('sha256', publicPem()).update(signed).digest('base64url')}`;
      },
    ],
    [
      'signed with the public key as an HMAC secret, but called RS256',
      'token-invalid-signature',
      () => {
        const signed = `${encode(header())}.${encode(claims())}`;
        return `${signed}.${createHmac('sha256', publicPem()).update(signed).digest('base64url')}`;
      },
    ],
    ['that has expired', 'token-expired', () => standIn.mintToken({ sub, exp: seconds() - 10 })],
    ['that holds only later', 'token-not-active-yet', () => standIn.mintToken({ sub, nbf: seconds() + 60 })],
    [
      'that was issued in the future',
      'token-iat-in-the-future',
      () => standIn.mintToken({ sub, iat: seconds() + 60 }),
    ],
    ['without an end', 'token-verification-failed', () => standIn.mintToken({ sub, exp: null })],
    [
      'of another origin',
      'token-invalid-authorized-parties',
      () => standIn.mintToken({ sub, azp: 'https://elsewhere.example.com' }),
    ],
    ['of no origin', 'token-invalid-authorized-parties', () => standIn.mintToken({ sub, azp: null })],
    ['of no user', 'token-verification-failed', () => standIn.mintToken({ sub: null } as never)],
    ['of a machine', 'subject-is-no-user', () => standIn.mintToken({ sub: 'mch_1' })],
    ['of an id with a path in it', 'subject-is-no-user', () => standIn.mintToken({ sub: 'user_a/../b' })],
    ['of a template, without a session', 'token-of-no-session', () => standIn.mintToken({ sub, sid: null })],
    [
      'of somebody who impersonates the user',
      'impersonation',
      () => standIn.mintToken({ sub, act: { sub: 'user_admin' } }),
    ],
    ['of a session with tasks left', 'session-pending', () => standIn.mintToken({ sub, sts: 'pending' })],
    ['that is an API key', 'token-invalid', () => 'ak_2abcdefghijklmnop'],
    ['that is an OAuth token', 'token-invalid', () => 'oat_2abcdefghijklmnop'],
    ['that is a machine token', 'token-invalid', () => 'mt_2abcdefghijklmnop'],
    ['that is garbage', 'token-invalid', () => 'a.b.c'],
    ['that is garbage in JSON', 'token-invalid', () => `${encode(header())}.bm90IGpzb24.AAAA`],
    ['of four parts', 'token-invalid', () => `${standIn.mintToken({ sub })}.AAAA`],
    ['that is empty', 'token-invalid', () => ''],
  ])('%s', async (_, reason, token) => {
    const sent = token();
    const error: unknown = await verify(sent).catch((thrown: unknown) => thrown);
    expect(error).toEqual(refused(reason));
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain(sub);
  });

  test('of the right key that is an OAuth or an M2M token by its header', async () => {
    const { privateKey, publicKey } = newKeys(2048);
    const verifier = createSessionVerifier({
      jwtKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    });
    await expect(verifier(made(privateKey))).resolves.toMatchObject({ clerkUserId: sub });
    for (const head of [{ typ: 'at+jwt' }, { cat: 'cl_B7d4PD333AAA' }])
      await expect(verifier(made(privateKey, { head }))).rejects.toEqual(refused('token-invalid'));
  });
});

describe('a verifier is refused, in words that do not hold the key,', () => {
  const spki = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' }).toString();
  test.each<[string, () => string]>([
    ['of 4096 bits', () => spki(newKeys(4096).publicKey)],
    ['of an elliptic curve', () => spki(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey)],
    ['that is private', () => newKeys(2048).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()],
    ['that is none', () => 'a key'],
    ['that is empty', () => ''],
  ])('for a key %s', (_, key) => {
    expect(() => createSessionVerifier({ jwtKey: key() })).toThrow('not an RSA public key of 2048 bits');
  });

  test('without any key', () => {
    expect(() => createSessionVerifier({})).toThrow('without a key');
  });
});

describe("with the keys read from Clerk's API, a verifier", () => {
  const fresh = (more: object = {}) =>
    createSessionVerifier({ secretKey: standIn.secretKey, apiUrl: standIn.url, ...more });
  const asked = async (run: () => Promise<unknown>) => {
    const before = standIn.stats.total;
    await run();
    return standIn.stats.total - before;
  };

  test('asks once for 50 tokens that come at once, and not again for the next', async () => {
    const verifier = fresh();
    const tokens = Array.from({ length: 50 }, () => standIn.mintToken({ sub }));
    expect(await asked(() => Promise.all(tokens.map(verifier)))).toBe(1);
    expect(await asked(() => verifier(standIn.mintToken({ sub })))).toBe(0);
  });

  test('asks at most once more for tokens with made-up key ids, and refuses them', async () => {
    const verifier = fresh();
    await verifier(standIn.mintToken({ sub }));
    const { privateKey } = newKeys(2048);
    const forged = Array.from({ length: 20 }, (_, n) => made(privateKey, { head: { kid: `kid_${n}` } }));
    const requests = await asked(async () => {
      for (const token of forged) await expect(verifier(token)).rejects.toEqual(refused('jwk-kid-mismatch'));
    });
    expect(requests).toBeLessThanOrEqual(1);
  });

  test('asks nobody about garbage', async () => {
    const verifier = fresh();
    expect(await asked(() => expect(verifier('a.b.c')).rejects.toEqual(refused('token-invalid')))).toBe(0);
  });

  test('blames Clerk, not the token, while the keys cannot be read, and verifies once they can', async () => {
    for (const failure of [{ kind: 'drop' }, { kind: 'status', status: 500 }] as const) {
      const verifier = fresh();
      const verified = () => verifier(standIn.mintToken({ sub }));
      const end = standIn.failWith({ ...failure, pathPrefix: '/v1/jwks' });
      await expect(verified()).rejects.toMatchObject({ type: 'CLERK_UNAVAILABLE' });
      end();
      const session = await waitUntil(() => verified().catch(() => undefined), {
        describe: 'the end of the rest after a failure',
      });
      expect(session).toMatchObject({ clerkUserId: sub });
    }
  });

  test('blames its own key when Clerk refuses it', async () => {
    const verifier = fresh({ secretKey: 'sk_test_another' });
    await expect(verifier(standIn.mintToken({ sub }))).rejects.toMatchObject({ type: 'CLERK_KEY_REFUSED' });
  });
});
