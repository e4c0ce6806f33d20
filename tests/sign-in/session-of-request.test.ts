import { expect, test } from '@jest/globals';
import { getSyncedUser } from '../../src/sign-in/get-synced-user.js';
import { sessionOfRequest } from '../../src/sign-in/session-of-request.js';

const auth = {
  tokenType: 'session_token',
  userId: 'user_1',
  sessionId: 'sess_1',
  sessionClaims: { sub: 'user_1', sid: 'sess_1' },
  actor: undefined,
};
const of = (fields: object) => sessionOfRequest({ auth: () => ({ ...auth, ...fields }) });

test('a person who signed in is known by the session', () => {
  expect(of({})).toEqual({ clerkUserId: 'user_1', key: 'user_1 sess_1', claims: auth.sessionClaims });
  expect(of({ sessionId: undefined })).toMatchObject({ key: 'user_1' });
});

test.each([
  ['signed out', { userId: null, sessionId: null, sessionClaims: null }],
  ['an impersonation', { actor: { sub: 'user_admin' } }],
  ['an impersonation, by the claim alone', { sessionClaims: { act: { sub: 'user_admin' } } }],
  ['a pending session that the application takes for signed in', { sessionClaims: { sts: 'pending' } }],
  ['an API key', { tokenType: 'api_key' }],
  ['a machine', { tokenType: 'm2m_token', userId: undefined }],
  ['an OAuth token', { tokenType: 'oauth_token' }],
  ['a token of no kind', { tokenType: null }],
])('%s is nobody who signs in', (_what, fields) => {
  expect(of(fields)).toBeNull();
});

test.each([
  ['none', {}],
  ["another library's object", { auth: { userId: 'user_1' } }],
  ["another library's function", { auth: () => ({ userId: 'user_1' }) }],
  ["another library's function of nothing", { auth: () => undefined }],
])("%s is not Clerk's middleware", (_what, request) => {
  expect(sessionOfRequest(request)).toBeUndefined();
});

test('asking for the row without the middleware says what to mount', () => {
  expect(() => getSyncedUser({})).toThrow(/app\.use\(syncOnSignIn/);
});
