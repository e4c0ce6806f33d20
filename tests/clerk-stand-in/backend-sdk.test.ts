import { type ClerkClient, createClerkClient, verifyToken } from '@clerk/backend';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type StandIn, startStandIn } from '../../src/clerk-stand-in/start-stand-in.js';

let standIn: StandIn;
let clerk: ClerkClient;
beforeEach(async () => {
  standIn = await startStandIn({ seedUsers: 45 });
  const { url: apiUrl, secretKey, publishableKey } = standIn;
  clerk = createClerkClient({ apiUrl, secretKey, publishableKey, telemetry: { disabled: true } });
});
afterEach(() => standIn.stop());

describe("Clerk's own SDK", () => {
  test('lists users and counts them, in two requests', async () => {
    const { data, totalCount } = await clerk.users.getUserList({ limit: 20, orderBy: '+created_at' });
    expect(data.map((user) => user.id)).toEqual(standIn.users.ids().slice(0, 20));
    expect(totalCount).toBe(45);
    expect(standIn.stats.byRoute).toEqual({ 'GET /v1/users': 1, 'GET /v1/users/count': 1 });
  });

  test('pages by cursor through the parameter that its types lack', async () => {
    const [, second, third] = standIn.users.ids();
    const params = { limit: 1, orderBy: '+created_at', startingAfter: second } as const;
    const { data } = await clerk.users.getUserList(params);
    expect(data.map((user) => user.id)).toEqual([third]);
  });

  test('reads a user, the primary address not first', async () => {
    const some = standIn.users.list('limit=100').find((user) => user.email_addresses.length === 3);
    const user = await clerk.users.getUser(some?.id ?? '');
    expect(user.primaryEmailAddress?.emailAddress).toBe(some?.email_addresses[2]?.email_address);
    expect(user.raw).toEqual(some);
  });

  test('creates, updates and deletes a user', async () => {
    const created = await clerk.users.createUser({
      emailAddress: ['Ada@Example.com', 'second@example.com'],
      emailAddressIdentificationStatus: ['reserved', 'verified'],
      firstName: 'Ada',
      externalId: 'crm-ada',
      createdAt: new Date('2020-02-02T00:00:00Z'),
      publicMetadata: { plan: 'pro' },
    });
    expect(created).toMatchObject({
      firstName: 'Ada',
      externalId: 'crm-ada',
      createdAt: Date.UTC(2020, 1, 2),
    });
    expect(created.primaryEmailAddress).toMatchObject({
      emailAddress: 'ada@example.com',
      verification: null,
    });

    const primaryEmailAddressID = created.emailAddresses[1]?.id ?? '';
    const updated = await clerk.users.updateUser(created.id, { lastName: 'Lovelace', primaryEmailAddressID });
    expect(updated.primaryEmailAddress?.emailAddress).toBe('second@example.com');
    expect(updated.updatedAt).toBeGreaterThan(created.updatedAt);

    const deleted = await clerk.users.deleteUser(created.id);
    expect(deleted).toMatchObject({ id: created.id, deleted: true });
    await expect(clerk.users.getUser(created.id)).rejects.toMatchObject({
      status: 404,
      errors: [{ code: 'resource_not_found' }],
      clerkTraceId: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
  });

  test('merges metadata deeply, null removing, and replaces it through updateUser', async () => {
    const { id } = await clerk.users.createUser({
      username: 'metadata',
      publicMetadata: { a: { b: 1, c: 2 }, d: 3 },
    });
    const merged = await clerk.users.updateUserMetadata(id, { publicMetadata: { a: { b: null, e: 4 } } });
    expect(merged.publicMetadata).toEqual({ a: { c: 2, e: 4 }, d: 3 });
    await clerk.users.replaceUserMetadata(id, { publicMetadata: { only: true } });
    expect(standIn.users.get(id).public_metadata).toEqual({ only: true });
  });

  test('bans, unbans, locks and unlocks', async () => {
    const id = standIn.users.ids()[0] ?? '';
    expect(await clerk.users.banUser(id)).toMatchObject({ banned: true });
    expect(await clerk.users.unbanUser(id)).toMatchObject({ banned: false });
    expect(await clerk.users.lockUser(id)).toMatchObject({ locked: true });
    expect(await clerk.users.unlockUser(id)).toMatchObject({ locked: false });
  });

  test('adds an e-mail address and makes it primary', async () => {
    const id = standIn.users.ids()[0] ?? '';
    const address = { userId: id, emailAddress: 'new@example.com', verified: true, primary: true };
    const email = await clerk.emailAddresses.createEmailAddress(address);
    const user = await clerk.users.getUser(id);
    expect(user.primaryEmailAddressId).toBe(email.id);
    expect(user.emailAddresses).toHaveLength(2);
    await clerk.emailAddresses.deleteEmailAddress(email.id);
    expect((await clerk.users.getUser(id)).emailAddresses).toHaveLength(1);
  });

  test.each([
    ['email_address', { emailAddress: ['taken@example.com'] }],
    ['username', { username: 'TAKEN' }],
    ['external_id', { externalId: 'taken', username: 'another' }],
  ])('is refused a second %s with 422 form_identifier_exists', async (paramName, body) => {
    standIn.users.createUser({
      email_address: ['taken@example.com'],
      username: 'taken',
      external_id: 'taken',
    });
    await expect(clerk.users.createUser(body)).rejects.toMatchObject({
      status: 422,
      errors: [{ code: 'form_identifier_exists', meta: { paramName } }],
    });
    expect(standIn.users.count()).toBe(46);
  });

  test('is told by 429 how long to wait', async () => {
    standIn.settings.rateLimit = { requests: 1, perMs: 7000 };
    const id = standIn.users.ids()[0] ?? '';
    await clerk.users.getUser(id);
    await expect(clerk.users.getUser(id)).rejects.toMatchObject({
      status: 429,
      retryAfter: 7,
      errors: [{ code: 'too_many_requests' }],
    });
  });

  test('is refused with a wrong key', async () => {
    const stranger = createClerkClient({
      apiUrl: standIn.url,
      secretKey: 'sk_test_wrong',
      telemetry: { disabled: true },
    });
    await expect(stranger.users.getUserList()).rejects.toMatchObject({
      status: 401,
      errors: [{ code: 'clerk_key_invalid' }],
    });
  });
});

describe('session tokens', () => {
  const signIn = async () => {
    const session = await clerk.sessions.createSession({ userId: standIn.users.ids()[0] ?? '' });
    const { jwt } = await clerk.sessions.getToken(session.id);
    return { session, jwt };
  };

  test('hold against the PEM, without a request', async () => {
    const { session, jwt } = await signIn();
    const requests = standIn.stats.total;
    const claims = await verifyToken(jwt, {
      jwtKey: standIn.jwtKey,
      authorizedParties: ['http://localhost:3000'],
    });
    expect(claims).toMatchObject({ sub: session.userId, sid: session.id, v: 2, sts: 'active', fva: [0, -1] });
    expect(claims.exp - claims.iat).toBe(60);
    expect(standIn.stats.total).toBe(requests);
  });

  test('hold against the JWKS', async () => {
    const { session, jwt } = await signIn();
    const claims = await verifyToken(jwt, { apiUrl: standIn.url, secretKey: standIn.secretKey });
    expect(claims.sub).toBe(session.userId);
    expect(standIn.stats.byRoute['GET /v1/jwks']).toBe(1);
  });

  test('sign a request in', async () => {
    const { session, jwt } = await signIn();
    const request = new Request('https://app.example.com/', { headers: { authorization: `Bearer ${jwt}` } });
    const state = await clerk.authenticateRequest(request, { jwtKey: standIn.jwtKey });
    expect(state.toAuth()).toMatchObject({ userId: session.userId, isAuthenticated: true });
  });

  test('are minted with any claims for tests: expired, of another party, of nobody', async () => {
    const expired = standIn.mintToken({ sub: 'user_a', exp: 1_700_000_000 });
    await expect(verifyToken(expired, { jwtKey: standIn.jwtKey })).rejects.toMatchObject({
      reason: 'token-expired',
    });
    const foreign = standIn.mintToken({ sub: 'user_a', azp: 'https://evil.example' });
    const options = { jwtKey: standIn.jwtKey, authorizedParties: ['http://localhost:3000'] };
    await expect(verifyToken(foreign, options)).rejects.toMatchObject({
      reason: 'token-invalid-authorized-parties',
    });
    const bare = await verifyToken(standIn.mintToken({ sub: 'user_a', azp: null }), {
      jwtKey: standIn.jwtKey,
    });
    expect(bare).not.toHaveProperty('azp');
  });

  test('are not issued for a revoked session, nor sessions for a banned user', async () => {
    const { session } = await signIn();
    expect(await clerk.sessions.revokeSession(session.id)).toMatchObject({ status: 'revoked' });
    await expect(clerk.sessions.getToken(session.id)).rejects.toMatchObject({ status: 422 });
    standIn.users.banUser(session.userId);
    await expect(clerk.sessions.createSession({ userId: session.userId })).rejects.toMatchObject({
      status: 403,
    });
  });

  test('a sign-in moves last_sign_in_at, last_active_at by day, and updated_at', async () => {
    const { session } = await signIn();
    const user = standIn.users.get(session.userId);
    expect(user.last_sign_in_at).toBe(session.createdAt);
    expect(user.last_active_at).toBe(session.createdAt - (session.createdAt % 86_400_000));
    expect(user.updated_at).toBeGreaterThanOrEqual(session.createdAt);
  });
});
