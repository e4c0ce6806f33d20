import { expect, test } from '@jest/globals';
import { sessionVerifier } from '../../src/cli/session-verifier.js';
import { readConfig } from '../../src/config.js';
import { createLogger } from '../../src/log.js';

const log = createLogger('silent', 'starter');

test('a CLERK_JWT_KEY that no token would ever verify with ends the start, by its name and without its text', () => {
  const config = readConfig([], { CLERK_JWT_KEY: '-----BEGIN PUBLIC KEY-----\\nmySecret\\n' });
  expect(() => sessionVerifier(config, log)).toThrow(/^CLERK_JWT_KEY: The key is not an RSA public key/);
  expect(() => sessionVerifier(config, log)).not.toThrow(/mySecret/);
});

test('there is no check without a key of Clerk, and one with either', () => {
  expect(sessionVerifier(readConfig([], {}), log)).toBeUndefined();
  expect(sessionVerifier(readConfig([], { CLERK_SECRET_KEY: 'sk_test_1' }), log)).toBeInstanceOf(Function);
});
