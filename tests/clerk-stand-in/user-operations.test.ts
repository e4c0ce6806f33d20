import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { ClerkError } from '../../src/clerk-stand-in/clerk-error.js';
import { type StandIn, startStandIn } from '../../src/clerk-stand-in/start-stand-in.js';
import { request } from './request.js';

let standIn: StandIn;
let clockMs: number;
beforeEach(async () => {
  clockMs = Date.UTC(2026, 0, 1);
  standIn = await startStandIn({ seedUsers: 80, now: () => clockMs, rateLimit: null });
});
afterEach(() => standIn.stop());

test('a user has the 46 properties of Clerk, scim only in webhooks', () => {
  for (const user of standIn.users.list('limit=100')) expect(Object.keys(user)).toHaveLength(45);
});

test('the seeded users are of every kind that a sync must cope with', () => {
  const users = standIn.users.list('limit=100');
  const primaryOf = (user: (typeof users)[number]) =>
    user.email_addresses.find((email) => email.id === user.primary_email_address_id);
  const kinds = {
    usernameOnly: users.some(
      (user) => user.username && user.email_addresses.length + user.phone_numbers.length === 0,
    ),
    phoneOnly: users.some((user) => user.phone_numbers.length > 0 && user.primary_email_address_id === null),
    primaryNotFirst: users.some(
      (user) => user.email_addresses.length > 1 && primaryOf(user) !== user.email_addresses[0],
    ),
    unverifiedPrimary: users.some((user) => primaryOf(user)?.verification?.status === 'unverified'),
    reservedPrimary: users.some(
      (user) => primaryOf(user)?.reserved && primaryOf(user)?.verification === null,
    ),
    google: users.some((user) => user.external_accounts.length > 0),
    banned: users.some((user) => user.banned),
    locked: users.some((user) => user.locked),
    metadata: users.some((user) => user.private_metadata?.crmId && user.unsafe_metadata.theme),
    neverSignedIn: users.some((user) => user.last_sign_in_at === null),
  };
  expect(Object.entries(kinds).filter(([, present]) => !present)).toEqual([]);
  expect(users.every((user) => user.updated_at >= user.created_at)).toBe(true);
});

test('the same seed makes the same users, another seed others', async () => {
  const same = await startStandIn({ seedUsers: 80, now: () => clockMs });
  const other = await startStandIn({ seedUsers: 80, seed: 2 });
  expect(same.users.list('limit=80')).toEqual(standIn.users.list('limit=80'));
  expect(other.users.ids()).not.toEqual(standIn.users.ids());
  await Promise.all([same.stop(), other.stop()]);
});

test('a lock counts down with every read and ends by the clock, without a write', () => {
  const { id } = standIn.users.createUser({ username: 'locked_one' });
  const { updated_at, lockout_expires_in_seconds } = standIn.users.lockUser(id);
  expect(lockout_expires_in_seconds).toBe(3600);
  clockMs += 60_000;
  expect(standIn.users.get(id)).toMatchObject({
    locked: true,
    lockout_expires_in_seconds: 3540,
    verification_attempts_remaining: 0,
  });
  clockMs += 3_540_000;
  expect(standIn.users.get(id)).toMatchObject({
    locked: false,
    lockout_expires_in_seconds: null,
    updated_at,
  });
});

test('an address that was freed may move to another user', () => {
  const first = standIn.users.createUser({ email_address: ['moving@example.com'] });
  const second = standIn.users.createUser({ username: 'second' });
  const move = () =>
    standIn.users.addEmailAddress({ user_id: second.id, email_address: 'moving@example.com' });
  expect(move).toThrow(ClerkError);
  standIn.users.addEmailAddress({ user_id: first.id, email_address: 'kept@example.com', verified: true });
  standIn.users.deleteEmailAddress(first.primary_email_address_id ?? '');
  move();
  expect(standIn.users.get(second.id).primary_email_address_id).not.toBeNull();
  expect(standIn.users.list('email_address=moving@example.com').map(({ id }) => id)).toEqual([second.id]);
});

test('a refused change changes nothing', () => {
  standIn.users.createUser({ username: 'taken' });
  const { id } = standIn.users.createUser({ username: 'mine', first_name: 'Ada' });
  const before = standIn.users.get(id);
  expect(() => standIn.users.updateUser(id, { first_name: 'Grace', username: 'taken' })).toThrow(
    'username is taken',
  );
  expect(() => standIn.users.updateUser(id, { primary_email_address_id: 'idn_nobody' })).toThrow(ClerkError);
  expect(standIn.users.get(id)).toEqual(before);
});

test('a deleted user is gone everywhere, and its identifications are free again', () => {
  const body = { email_address: ['gone@example.com'], username: 'gone', external_id: 'crm-gone' };
  const { id } = standIn.users.createUser(body);
  const session = standIn.users.signIn(id);
  standIn.users.deleteUser(id);
  expect(() => standIn.users.get(id)).toThrow(`No user was found with id ${id}.`);
  expect(() => standIn.users.deleteUser(id)).toThrow(ClerkError);
  expect(() => standIn.users.revokeSession(session.id)).toThrow(ClerkError);
  expect(standIn.users.count('email_address=gone@example.com')).toBe(0);
  expect(standIn.users.createUser(body).id).not.toBe(id);
});

test('bulk bans take at most 50 users, all or none', async () => {
  const ids = standIn.users.ids();
  const ban = (user_ids: string[]) =>
    request(standIn, '/v1/users/ban', { method: 'POST', body: { user_ids } });
  expect((await ban(ids.slice(0, 51))).status).toBe(422);
  expect((await ban([...ids.slice(0, 3), 'user_nobody'])).status).toBe(404);
  expect(standIn.users.get(ids[0] ?? '').banned).toBe(false);
  expect((await ban(ids.slice(0, 50))).status).toBe(200);
  expect(ids.slice(0, 50).every((id) => standIn.users.get(id).banned)).toBe(true);
});

test.each([
  ['form_param_format_invalid', 'email_address', { email_address: ['no address'] }],
  ['form_param_format_invalid', 'created_at', { username: 'someone', created_at: 'yesterday' }],
  ['form_data_missing', 'email_address', { first_name: 'Nobody' }],
  [
    'form_param_exceeds_allowed_size',
    'public_metadata',
    { username: 'big_one', public_metadata: { a: 'x'.repeat(9e3) } },
  ],
])('a body is refused with 422 %s for its %s', async (code, param_name, body) => {
  const { status, body: answer } = await request(standIn, '/v1/users', { method: 'POST', body });
  expect(status).toBe(422);
  expect(answer.errors[0]).toMatchObject({ code, meta: { param_name } });
});

test('a body that is not JSON is 400 in the shape of Clerk', async () => {
  const headers = { authorization: `Bearer ${standIn.secretKey}`, 'content-type': 'application/json' };
  const response = await fetch(`${standIn.url}/v1/users`, { method: 'POST', headers, body: '{"a":' });
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ errors: [{ code: 'request_body_invalid' }] });
});
