import { expect, test } from '@jest/globals';
import { createClerkApi } from '../../src/clerk/clerk-api.js';
import { connectDatabase } from '../../src/db/database.js';
import { type SyncOnSignInOptions, syncOnSignIn } from '../../src/sign-in/sync-on-sign-in.js';

const db = connectDatabase({ url: 'postgres://127.0.0.1:9/nobody' });
const clerk = createClerkApi({ secretKey: 'sk_test_x' });
const made = (options: object) => () => syncOnSignIn(options as SyncOnSignInOptions);

test.each<[string, object, string[]]>([
  ['nothing', {}, ['connectDatabase', 'createClerkApi']],
  ['a configuration for its mapping', { db, clerk, mapping: { mapping: {} } }, ['config.mapping']],
  ['a policy that there is not', { db, clerk, whenMissing: 'refused' }, ['continue', 'refuse']],
])('given %s, the middleware says what to do when it is made', (_what, options, said) => {
  for (const words of said) expect(made(options)).toThrow(words);
});

test('what it needs is enough', () => {
  expect(made({ db, clerk })).not.toThrow();
});

test('a key and an address that are missing are named with their settings', () => {
  expect(() => createClerkApi({ secretKey: '' })).toThrow('CLERK_SECRET_KEY');
  expect(() => connectDatabase({ url: '' })).toThrow('DATABASE_URL');
  expect(() => connectDatabase({ url: 'postgres://127.0.0.1/app?schema=a"b' })).toThrow('schema');
});
