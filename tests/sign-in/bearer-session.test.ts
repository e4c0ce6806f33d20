import type { IncomingMessage } from 'node:http';
import { expect, test } from '@jest/globals';
import { failure } from '../../src/failures.js';
import { createBearerSession } from '../../src/sign-in/bearer-session.js';
import { waitUntil } from '../support/wait-until.js';

function bearers(verdict: (token: string) => { exp: number; act?: string } | Error) {
  const verified: string[] = [];
  const sessionOf = createBearerSession(async (token) => {
    verified.push(token);
    const claims = verdict(token);
    if (claims instanceof Error) throw claims;
    return { clerkUserId: 'user_1', sessionId: `sess_${token}`, claims };
  }, 2);
  const of = (authorization?: string) =>
    sessionOf({ headers: authorization === undefined ? {} : { authorization } } as IncomingMessage);
  return { verified, of };
}
const inSeconds = (seconds: number) => Date.now() / 1000 + seconds;

test('a token is verified once, and known without a wait from then on, as long as it holds', async () => {
  const { verified, of } = bearers(() => ({ exp: inSeconds(30) }));
  expect(await of('Bearer one')).toMatchObject({ key: 'user_1 sess_one' });
  expect(of('Bearer one')).toMatchObject({ key: 'user_1 sess_one' });
  expect(await of('bearer two')).toMatchObject({ key: 'user_1 sess_two' });
  expect(verified).toEqual(['one', 'two']);
});

test('a token that is over is verified again', async () => {
  const { verified, of } = bearers(() => ({ exp: inSeconds(-1) }));
  await of('Bearer one');
  await of('Bearer one');
  expect(verified).toEqual(['one', 'one']);
});

test('a token that was remembered is verified again once it is over', async () => {
  const exp = inSeconds(0.05);
  const { verified, of } = bearers(() => ({ exp }));
  await of('Bearer one');
  await waitUntil(
    async () => {
      await of('Bearer one');
      return verified.length > 1;
    },
    { describe: 'the token to be over' },
  );
  expect(Date.now() / 1000).toBeGreaterThanOrEqual(exp);
});

test('what does not verify is nobody, and what cannot be verified is a failure; neither is remembered', async () => {
  const { verified, of } = bearers((token) =>
    token === 'forged' ? failure('SESSION_INVALID', '') : failure('CLERK_UNAVAILABLE', ''),
  );
  expect([await of('Bearer forged'), await of('Bearer forged')]).toEqual([null, null]);
  await expect(of('Bearer any')).rejects.toMatchObject({ type: 'CLERK_UNAVAILABLE' });
  expect(verified).toHaveLength(3);
});

test.each([undefined, '', 'Basic dXNlcg==', 'Bearer', 'Bearer a b'])(
  '%s is no bearer token',
  (authorization) => {
    const { verified, of } = bearers(() => ({ exp: inSeconds(30) }));
    expect(of(authorization)).toBeNull();
    expect(verified).toEqual([]);
  },
);
