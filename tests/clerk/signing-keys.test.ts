import { generateKeyPairSync } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createSigningKeys, type FindSigningKey } from '../../src/clerk/signing-keys.js';
import { deferred } from '../starter/deferred.js';
import { type Answer, type ScriptedClerk, startScriptedClerk } from './start-scripted-clerk.js';

const jwk = (kid: string, modulusLength = 2048) => ({
  kid,
  use: 'sig',
  alg: 'RS256',
  ...generateKeyPairSync('rsa', { modulusLength }).publicKey.export({ format: 'jwk' }),
});
const FIRST = jwk('ins_1');
const SECOND = jwk('ins_2');
const MINUTE = 60_000;

let clerk: ScriptedClerk;
let answer: Answer;
let nowMs: number;
let find: FindSigningKey;
beforeEach(async () => {
  clerk = await startScriptedClerk(() => answer);
  answer = { body: { keys: [FIRST] } };
  nowMs = 0;
  find = createSigningKeys(clerk.api, () => nowMs);
});
afterEach(() => clerk.stop());

describe('the signing keys', () => {
  test('are asked for once for all that wait, and hold for five minutes', async () => {
    const found = await Promise.all(Array.from({ length: 20 }, () => find('ins_1')));
    expect(new Set(found).size).toBe(1);
    expect(found[0]).toMatch(/^-----BEGIN PUBLIC KEY-----\n/);
    nowMs = 4 * MINUTE - 1;
    await find('ins_1');
    expect(clerk.requests.map(({ url }) => url)).toEqual(['/v1/jwks']);
    nowMs = 5 * MINUTE;
    await find('ins_1');
    expect(clerk.requests).toHaveLength(2);
  });

  test('that came after are found, at most half a minute later; made-up ids cost no more than that', async () => {
    await find('ins_1');
    answer = { body: { keys: [FIRST, SECOND] } };
    for (let n = 0; n < 10; n++) expect(await find(`made-up-${n}`)).toBeUndefined();
    expect(clerk.requests).toHaveLength(1);
    nowMs = MINUTE / 2;
    expect(await find('ins_2')).toBeDefined();
    expect(clerk.requests).toHaveLength(2);
  });

  test('that Clerk took back hold no longer than five minutes', async () => {
    await find('ins_1');
    answer = { body: { keys: [SECOND] } };
    nowMs = 5 * MINUTE;
    expect(await find('ins_1')).toBeUndefined();
  });

  test('go on holding while Clerk does not answer, which is asked twice a minute', async () => {
    const key = await find('ins_1');
    answer = { status: 500 };
    nowMs = 6 * MINUTE;
    for (let n = 0; n < 10; n++) expect(await find('ins_1')).toBe(key);
    expect(clerk.requests).toHaveLength(2);
    await expect(find('ins_2')).rejects.toMatchObject({ type: 'CLERK_UNAVAILABLE' });
  });

  test('are read again a minute before they are old, so that nobody waits who did not pause', async () => {
    const key = await find('ins_1');
    let slow = deferred();
    const get: typeof clerk.api.get = async (...given) => {
      await slow.promise;
      return clerk.api.get(...given);
    };
    const api = { ...clerk.api, get };
    slow.resolve();
    find = createSigningKeys(api, () => nowMs);
    expect(await find('ins_1')).toBe(key);
    slow = deferred();
    nowMs = 4 * MINUTE;
    expect(await find('ins_1')).toBe(key);
    nowMs = 5 * MINUTE;
    const waits = await Promise.race([find('ins_1'), new Promise((late) => setTimeout(late, 50, 'waited'))]);
    expect(waits).toBe('waited');
    slow.resolve();
  });

  test('that cannot be read are asked for once a second, whatever ids are made up', async () => {
    answer = { status: 500 };
    for (let n = 0; n < 10; n++)
      await expect(find(`made-up-${n}`)).rejects.toMatchObject({ type: 'CLERK_UNAVAILABLE' });
    expect(clerk.requests).toHaveLength(1);
    nowMs = 1_000;
    answer = { body: { keys: [FIRST] } };
    expect(await find('ins_1')).toBeDefined();
    answer = { status: 500 };
    nowMs = 2 * MINUTE;
    for (let n = 0; n < 10; n++)
      await expect(find(`made-up-${n}`)).rejects.toMatchObject({ type: 'CLERK_UNAVAILABLE' });
    expect(clerk.requests).toHaveLength(3);
    expect(await find('ins_1')).toBeDefined();
  });

  test('are found beside one that is of another kind', async () => {
    answer = { body: { keys: [jwk('ins_4096', 4096), FIRST] } };
    expect(await find('ins_1')).toBeDefined();
    expect(await find('ins_4096')).toBeUndefined();
  });

  test.each<[string, unknown]>([
    ['no keys', { keys: [] }],
    ['something else', 'hello'],
    ['a key of 4096 bits, which the SDK would take and never verify with', { keys: [jwk('ins_1', 4096)] }],
    ['a key that is none', { keys: [{ kid: 'ins_1' }] }],
  ])('are CLERK_ANSWER_UNUSABLE where there is %s', async (_, body) => {
    answer = { body };
    await expect(find('ins_1')).rejects.toMatchObject({ type: 'CLERK_ANSWER_UNUSABLE' });
  });
});
