import { expect, test } from '@jest/globals';
import { toUserSnapshot } from '../../src/clerk/to-user-snapshot.js';
import { applyDeletions } from '../../src/db/apply-deletions.js';
import { applySnapshots } from '../../src/db/apply-snapshots.js';
import { eraseDeletedUsers } from '../../src/db/erase-deleted-users.js';
import { createSessionVerifier } from '../../src/sign-in/verify-session.js';
import type { JsonObject } from '../../src/user-change.js';
import { startScriptedClerk } from '../clerk/start-scripted-clerk.js';
import { waitUntil } from '../support/wait-until.js';
import { signingIn } from './signing-in.js';
import { startApplication } from './start-application.js';

const world = signingIn();

const changes = (clerkId: string) =>
  world.db.userChange.findMany({ where: { clerkId }, orderBy: { id: 'asc' } });
const rowOf = (clerkId: string) => world.db.user.findUnique({ where: { clerkId } });
const userJson = (id: string) => world.standIn.users.get(id) as unknown as JsonObject;
const webhook = (id: string, fields: JsonObject = {}) =>
  applySnapshots(
    world.db,
    [
      toUserSnapshot(
        { ...userJson(id), ...fields },
        { observedAtMs: Date.now(), observedVia: 'webhook', keepPrivateMetadata: false },
      ),
    ],
    'webhook',
  );
const remove = (clerkUserId: string) =>
  applyDeletions(world.db, [{ clerkUserId, deletedAtMs: Date.now() }], {
    observedVia: 'webhook',
    writer: 'webhook',
    markUnknown: true,
  });

test.each([['before the webhook'], ['while the webhook is written']])(
  '50 parallel first requests of a new user, %s: one row, one created, at most 2 Clerk requests, and each answer has the row',
  async (when) => {
    const application = await world.start();
    const id = world.signUp();
    const token = world.token(id);
    world.clerkRequests();
    const webhooks = when === 'before the webhook' ? [] : [webhook(id)];
    const answers = await Promise.all(Array.from({ length: 50 }, () => application.get(token)));
    await Promise.all(webhooks);
    await webhook(id);
    expect(world.clerkRequests()).toBeLessThanOrEqual(2);
    for (const { status, body } of answers)
      expect([status, body.user]).toEqual([200, expect.objectContaining({ clerkId: id, firstName: 'Ada' })]);
    expect((await changes(id)).map(({ kind }) => kind)).toEqual(['created']);
    expect(world.handedOver).toEqual([]);
  },
);

test('first requests that meet four processes, of several sessions, make one row, and never a second created', async () => {
  const applications = await Promise.all([1, 2, 3, 4].map(() => world.start()));
  const id = world.signUp();
  const answers = await Promise.all([
    ...applications.flatMap((application) =>
      Array.from({ length: 10 }, () => application.get(world.token(id))),
    ),
    webhook(id),
  ]);
  expect(answers).toHaveLength(41);
  for (const answer of answers)
    if ('body' in answer) expect(answer.body.user).toMatchObject({ clerkId: id, email: expect.any(String) });
  expect((await changes(id)).map(({ kind }) => kind)).toEqual(['created']);
});

test('a user whose row is there costs Clerk nothing, and a known session costs Postgres nothing', async () => {
  const application = await world.start();
  const id = world.signUp();
  await webhook(id);
  const token = world.token(id);
  world.clerkRequests();
  expect((await application.get(token)).body.user).toMatchObject({ clerkId: id });
  expect(world.clerkRequests()).toBe(0);
  await world.database.goDown();
  try {
    expect((await application.get(token)).body.user).toMatchObject({ clerkId: id });
  } finally {
    await world.database.comeBack();
  }
  expect(await rowOf(id)).toMatchObject({ syncedBy: 'webhook', revision: 1 });
});

test('a session is looked up again once the time is over, and is not before', async () => {
  const [once, always] = [await world.start(), await world.start({ maxAgeMs: 0 })];
  const id = world.signUp();
  await webhook(id);
  const token = world.token(id);
  await Promise.all([once.get(token), always.get(token)]);
  await webhook(id, { first_name: 'Augusta', updated_at: Date.now() + 1000 });
  expect((await once.get(token)).body.user).toMatchObject({ firstName: 'Ada' });
  expect((await always.get(token)).body.user).toMatchObject({ firstName: 'Augusta' });
  expect((await once.get(world.token(id))).body.user).toMatchObject({ firstName: 'Augusta' });
});

test.each([
  ['signed out', null],
  ['an impersonation', { act: { sub: 'user_admin' } }],
  ['a pending session', { sts: 'pending' }],
  ['an expired token', { exp: 1_700_000_000, iat: 1_699_999_940, nbf: 1_699_999_930 }],
])('%s is nobody who signs in: it passes, and nothing is asked or written', async (_what, claims) => {
  const application = await world.start({ whenMissing: 'refuse' });
  const id = world.signUp();
  world.clerkRequests();
  const answer = await application.get(claims === null ? undefined : world.token(id, claims));
  expect([answer.status, answer.body.user]).toEqual([200, null]);
  expect(world.clerkRequests()).toBe(0);
  expect(await rowOf(id)).toBeNull();
});

test("a user's API key authenticates the request and is nobody who signs in", async () => {
  const id = world.signUp();
  const verifying = await startScriptedClerk(() => ({
    body: {
      object: 'api_key',
      id: 'ak_1',
      type: 'api_key',
      subject: id,
      scopes: [],
      claims: null,
      revoked: false,
    },
  }));
  const { secretKey, publishableKey, jwtKey } = world.standIn;
  const application = await startApplication(
    { secretKey, publishableKey, jwtKey, url: verifying.url },
    { db: world.db, clerk: verifying.api, whenMissing: 'refuse' },
  );
  try {
    const { status, body } = await application.get('ak_secret');
    expect([status, body]).toEqual([200, { user: null, auth: { userId: id, tokenType: 'api_key' } }]);
    expect(verifying.requests.map(({ url }) => url)).toEqual(['/api_keys/verify']);
    expect(await rowOf(id)).toBeNull();
  } finally {
    await application.stop();
    await verifying.stop();
  }
});

test('a user whom Clerk does not have is never created: continue goes on without a row, refuse answers 401', async () => {
  const [open, closed] = [await world.start(), await world.start({ whenMissing: 'refuse' })];
  const id = world.signUp();
  world.standIn.users.deleteUser(id);
  const goesOn = await open.get(world.token(id));
  expect([goesOn.status, goesOn.body.user]).toEqual([200, null]);
  const token = world.token(id);
  const refused = await closed.get(token);
  expect([refused.status, refused.body.code]).toEqual([401, 'USER_GONE']);
  world.clerkRequests();
  expect((await closed.get(token)).status).toBe(401);
  expect(world.clerkRequests()).toBe(0);
  expect(await rowOf(id)).toBeNull();
  expect(world.handedOver).toEqual([]);
});

test('a tombstone outlasts a sign-in for which Clerk still shows the user', async () => {
  const application = await world.start({ whenMissing: 'refuse' });
  const id = world.signUp();
  await webhook(id);
  await remove(id);
  const answer = await application.get(world.token(id));
  expect([answer.status, answer.body.code]).toEqual([401, 'USER_GONE']);
  expect(await rowOf(id)).toMatchObject({ deletedAt: expect.any(Date) });
});

test('alone it verifies the bearer token: a good one gets the row, a forged one and none are signed out', async () => {
  const { jwtKey } = world.standIn;
  const application = await world.start({
    verifySession: createSessionVerifier({ jwtKey, authorizedParties: ['http://localhost:3000'] }),
    whenMissing: 'refuse',
  });
  const id = world.signUp();
  const token = world.token(id);
  expect((await application.get(`${token.slice(0, -8)}AAAAAAAA`)).body).toMatchObject({ user: null });
  expect((await application.get(world.token(id, { azp: 'https://evil.example' }))).body.user).toBeNull();
  expect((await application.get(world.token(id, { sts: 'pending' }))).body.user).toBeNull();
  expect((await application.get()).body.user).toBeNull();
  expect(await rowOf(id)).toBeNull();
  expect((await application.get(token)).body.user).toMatchObject({ clerkId: id });
});

test('alone, keys that cannot be read are a miss, and no token that holds', async () => {
  const { secretKey } = world.standIn;
  const verifySession = createSessionVerifier({ secretKey, apiUrl: 'http://127.0.0.1:9' });
  const open = await world.start({ verifySession });
  const closed = await world.start({ verifySession, whenMissing: 'refuse' });
  const token = world.token(world.signUp());
  expect((await open.get(token)).body.user).toBeNull();
  expect([(await closed.get(token)).status, world.logged[0]?.code]).toEqual([503, 'CLERK_UNAVAILABLE']);
});

test('custom claims make a provisional row without a Clerk request but the one about the instance, and any real snapshot replaces it', async () => {
  const application = await world.start({
    readClaims: ({ email, name }) =>
      typeof email === 'string' ? { email, emailVerified: true, firstName: String(name) } : null,
  });
  const id = world.signUp();
  const token = world.token(id, { email: 'claimed@example.com', name: 'Claimed' });
  world.clerkRequests();
  const first = await Promise.all(Array.from({ length: 10 }, () => application.get(token)));
  for (const { body } of first)
    expect(body.user).toMatchObject({ email: 'claimed@example.com', emailVerified: true, name: 'Claimed' });
  expect(world.clerkRequests()).toBe(1);
  await application.get(world.token(world.signUp(), { email: 'other@example.com' }));
  expect(world.clerkRequests()).toBe(0);
  expect(world.handedOver[0]).toBe(id);
  expect(await webhook(id)).toMatchObject([{ outcome: 'updated' }]);
  expect((await changes(id)).map(({ kind }) => kind)).toEqual(['created', 'updated']);
  expect((await application.get(world.token(id, { email: 'claimed@example.com' }))).body.user).toMatchObject({
    firstName: 'Ada',
    email: expect.not.stringContaining('claimed'),
  });
  await waitUntil(async () => (await application.get(token)).body.user?.firstName === 'Ada', {
    describe: 'the session to see the whole user',
  });
});

test('a row made of claims is anonymised like any other', async () => {
  const application = await world.start({ readClaims: ({ email }) => ({ email: String(email) }) });
  const id = world.signUp();
  await application.get(world.token(id, { email: 'claimed@example.com' }));
  expect(await rowOf(id)).toMatchObject({ email: 'claimed@example.com' });
  await remove(id);
  await eraseDeletedUsers(world.db, { mode: 'anonymise', holdbackMs: 0, clerkUserIds: [id] });
  expect(await rowOf(id)).toMatchObject({ email: null });
});

test('custom claims bring no deleted user back, and claims that say too little are passed over', async () => {
  const application = await world.start({
    readClaims: ({ email }) => (typeof email === 'string' ? { email } : null),
  });
  const [gone, silent] = [world.signUp(), world.signUp()];
  await remove(gone);
  expect((await application.get(world.token(gone, { email: 'a@example.com' }))).body.user).toBeNull();
  expect(world.handedOver).toEqual([]);
  expect((await application.get(world.token(silent))).body.user).toMatchObject({
    clerkId: silent,
    firstName: 'Ada',
  });
});

test('claims that do not fit the columns are refused and named, and the row is made of what Clerk says', async () => {
  const application = await world.start({
    readClaims: ({ email, broken }) => {
      if (broken === true) throw new Error('ada@example.com');
      return { email, firstName: 'Claimed' } as { email: string };
    },
  });
  for (const [claims, detail] of [
    [{ email: 42 }, /email is of type number, not text\.$/],
    [{ email: ['ada@example.com'] }, /email is a list, not text\.$/],
    [{ broken: true }, /^readClaims threw an error\.$/],
  ] as const) {
    const id = world.signUp();
    expect((await application.get(world.token(id, claims))).body.user).toMatchObject({
      firstName: 'Ada',
      email: expect.stringMatching(/^ada\d+@example\.com$/),
    });
    expect(world.logged.find(({ code }) => code === 'CLAIMS_UNUSABLE')).toEqual({
      clerkUserId: id,
      code: 'CLAIMS_UNUSABLE',
      detail: expect.stringMatching(detail),
      sentence: 'The claims were not used: Clerk is asked',
    });
    world.logged.length = 0;
  }
});

test('an empty claim is none: the column is null, and of claims that are all empty no row is made', async () => {
  const application = await world.start({
    readClaims: ({ email, name }) => ({ email: String(email), firstName: String(name) }),
  });
  const [named, silent] = [world.signUp(), world.signUp()];
  expect((await application.get(world.token(named, { email: '', name: 'Claimed' }))).body.user).toMatchObject(
    {
      email: null,
      firstName: 'Claimed',
    },
  );
  expect((await application.get(world.token(silent, { email: '', name: '' }))).body.user).toMatchObject({
    email: expect.stringContaining('@example.com'),
    firstName: 'Ada',
  });
});

test('nothing of a person is logged', async () => {
  const application = await world.start();
  const id = world.signUp();
  await application.get(world.token(id));
  expect(world.logged).toEqual([
    { clerkUserId: id, outcome: 'created', sentence: 'The row was made at sign-in' },
  ]);
});

test('one middleware refuses some requests and lets others go on, as its function says of each', async () => {
  const asked: (string | undefined)[] = [];
  const application = await world.start({
    whenMissing: ({ method, headers }) => {
      asked.push(method);
      return headers.authorization === `Bearer ${refused}` ? 'refuse' : 'continue';
    },
  });
  const id = world.signUp();
  const [refused, other] = [world.token(id), world.token(id)];
  world.standIn.failWith({ kind: 'drop' });
  expect((await application.get(other)).body).toMatchObject({ user: null });
  expect(await application.get(refused)).toMatchObject({ status: 503, body: { code: 'USER_NOT_READY' } });
  expect(asked).toEqual(['GET', 'GET']);
});

test("a session's id alone opens nobody's row: two users of one id have one each", async () => {
  const application = await world.start();
  const [ada, bob] = [world.signUp(), world.signUp()];
  for (const user of [ada, bob, ada])
    expect((await application.get(world.token(user, { sid: 'sess_of_two' }))).body.user?.clerkId).toBe(user);
});
