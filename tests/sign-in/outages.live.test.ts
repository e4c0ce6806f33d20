import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { createClerkApi } from '../../src/clerk/clerk-api.js';
import { startStandIn } from '../../src/clerk-stand-in/start-stand-in.js';
import { createSessionVerifier } from '../../src/sign-in/verify-session.js';
import { startTcpProxy } from '../cli/tcp-proxy.js';
import { deferred } from '../starter/deferred.js';
import { waitUntil } from '../support/wait-until.js';
import { signingIn } from './signing-in.js';
import type { Application } from './start-application.js';

const world = signingIn();

let open: Application;
let closed: Application;
let id: string;
beforeEach(async () => {
  [open, closed] = [await world.start(), await world.start({ whenMissing: 'refuse' })];
  // So that both have asked for the instance before anything breaks.
  await Promise.all([open, closed].map((application) => application.get(world.token(world.signUp()))));
  id = world.signUp();
  world.logged.length = 0;
});
afterEach(() => {
  jest.restoreAllMocks();
  return world.database.comeBack();
});
/** What follows is within one moment, however long this machine takes. */
const stopClock = () => jest.spyOn(performance, 'now').mockReturnValue(performance.now());

const bothAnswer = () => Promise.all([open.get(world.token(id)), closed.get(world.token(id))]);
const asEachPolicySays = [
  { status: 200, body: { user: null } },
  { status: 503, body: { code: 'USER_NOT_READY', message: expect.any(String) } },
];
const untilTheRowIsThere = async () => {
  const token = world.token(id);
  for (const application of [open, closed])
    await waitUntil(async () => (await application.get(token)).body.user?.clerkId === id, {
      describe: 'the row after recovery',
    });
};

test.each([
  ['Clerk closes connections', { kind: 'drop' }, 'CLERK_UNAVAILABLE'],
  ['Clerk answers 500', { kind: 'status', status: 500 }, 'CLERK_UNAVAILABLE'],
  ['Clerk answers 404 of a proxy', { kind: 'status', status: 404, body: '<html>' }, 'CLERK_ANSWER_UNUSABLE'],
  [
    'Clerk answers 429',
    { kind: 'status', status: 429, headers: { 'Retry-After': '1' }, times: 2 },
    'CLERK_RATE_LIMITED',
  ],
] as const)(
  '%s: each policy answers at once, the user is handed over, and the row is right after recovery',
  async (_what, failure, code) => {
    const recover = world.standIn.failWith(failure);
    const answers = await bothAnswer();
    expect(answers).toMatchObject(asEachPolicySays);
    expect(answers[1]?.headers.get('retry-after')).toBe('1');
    expect(world.handedOver).toEqual([id, id]);
    expect(world.logged).toMatchObject([
      { clerkUserId: id, code },
      { clerkUserId: id, code },
    ]);
    recover();
    await untilTheRowIsThere();
  },
);

test('Clerk takes long: requests wait no longer than the time box, later ones not at all, and the row comes by itself', async () => {
  const { secretKey, url } = world.standIn;
  const proxy = await startTcpProxy(new URL(url).host);
  const clerk = createClerkApi({ secretKey, apiUrl: `http://${proxy.address}`, timeoutMs: 120_000 });
  const box = { clerk, timeoutMs: 500 };
  [open, closed] = [await world.start(box), await world.start({ ...box, whenMissing: 'refuse' })];
  try {
    proxy.hold();
    // Each of these answers comes while Clerk's is held.
    for (const _ of ['first', 'again']) {
      expect(await bothAnswer()).toMatchObject(asEachPolicySays);
      expect(world.handedOver).toEqual([id, id]);
      // Who waits anew is told of anew.
      expect(world.logged).toMatchObject([{ code: 'USER_NOT_READY' }, { code: 'USER_NOT_READY' }]);
    }
    proxy.release();
    await waitUntil(() => world.db.user.findUnique({ where: { clerkId: id } }), {
      describe: 'the row of the flight that went on',
    });
    await untilTheRowIsThere();
  } finally {
    await proxy.close();
  }
});

test('Postgres is down: each policy answers, and the row is right after recovery', async () => {
  await world.database.goDown();
  expect(await bothAnswer()).toMatchObject(asEachPolicySays);
  expect(world.logged).toMatchObject([{ code: 'POSTGRES_UNAVAILABLE' }, { code: 'POSTGRES_UNAVAILABLE' }]);
  expect(world.handedOver).toEqual([id, id]);
  await world.database.comeBack();
  await untilTheRowIsThere();
});

test('a row that was there stays for its session while Postgres is down, even when it is to be looked up again', async () => {
  const application = await world.start({ maxAgeMs: 0, whenMissing: 'refuse' });
  const token = world.token(id);
  await application.get(token);
  await world.database.goDown();
  expect((await application.get(token)).body.user).toMatchObject({ clerkId: id });
  expect(world.handedOver).toEqual([id]);
});

test('in an outage parallel requests try once and hand over once, and those right after do neither', async () => {
  stopClock();
  world.standIn.failWith({ kind: 'drop' });
  const token = world.token(id);
  world.clerkRequests();
  await Promise.all(Array.from({ length: 20 }, () => open.get(token)));
  await open.get(token);
  expect(world.clerkRequests()).toBe(1);
  expect(world.handedOver).toEqual([id]);
});

test('a hand-over that fails is logged and harms no request', async () => {
  const application = await world.start({
    handOver: async () => {
      throw new Error('Temporal is down');
    },
  });
  world.standIn.failWith({ kind: 'drop' });
  expect(await application.get(world.token(id))).toMatchObject({ status: 200, body: { user: null } });
  await waitUntil(() => world.logged.some(({ sentence }) => sentence === 'The user was not handed over'), {
    describe: 'the log line',
  });
});

test('sign-ins beyond the budget are misses, and Clerk is not asked', async () => {
  stopClock();
  const application = await world.start({ clerkRequestsPerSecond: 2 });
  const users = [world.signUp(), world.signUp(), world.signUp(), world.signUp()];
  world.clerkRequests();
  // One at a time: the first also asks for the instance.
  const rows: unknown[] = [];
  for (const user of users) rows.push((await application.get(world.token(user))).body.user?.clerkId ?? null);
  expect(world.clerkRequests()).toBe(2);
  expect(rows).toEqual([users[0], null, null, null]);
  expect(world.handedOver).toEqual(users.filter((user) => !rows.includes(user)));
  expect(world.logged).toContainEqual(expect.objectContaining({ code: 'CLERK_RATE_LIMITED' }));
});

test.each([
  ['', undefined],
  [', custom claims or not', () => ({ email: 'claimed@example.com' })],
])(
  "another instance's key writes nobody: a miss, and never a user who is gone%s",
  async (_claims, readClaims) => {
    const other = await startStandIn({ instanceId: 'ins_other', rateLimit: null });
    try {
      const clerk = createClerkApi({ secretKey: other.secretKey, apiUrl: other.url });
      const application = await world.start({
        clerk,
        whenMissing: 'refuse',
        ...(readClaims ? { readClaims } : {}),
      });
      expect(await application.get(world.token(id))).toMatchObject({ status: 503 });
      expect(world.logged).toMatchObject([{ code: 'INSTANCE_CHANGED' }]);
      await application.get(world.token(world.signUp()));
      expect(other.stats.byRoute).toEqual({ 'GET /v1/instance': 1 });
      expect(await world.db.user.findUnique({ where: { clerkId: id } })).toBeNull();
    } finally {
      await other.stop();
    }
  },
);

test('a user is not handed over again while that goes on', async () => {
  const begun: string[] = [];
  const { promise, resolve } = deferred();
  const handOver = async (clerkUserId: string) => {
    begun.push(clerkUserId);
    await promise;
  };
  const application = await world.start({ handOver, clerkRequestsPerSecond: 1 });
  world.standIn.failWith({ kind: 'drop' });
  const misses = async (count: number) => {
    const before = world.logged.length;
    await waitUntil(
      async () => {
        await application.get(world.token(id));
        return world.logged.length >= before + count;
      },
      { describe: `${count} misses` },
    );
  };
  await misses(3);
  expect(begun).toEqual([id]);
  resolve();
  await misses(1);
  expect(begun).toEqual([id, id]);
});

test('a log that throws harms neither requests nor the application', async () => {
  const throws = () => {
    throw new Error('The disk is full');
  };
  const application = await world.start({ timeoutMs: 100, log: { info: throws, warn: throws } });
  const recover = world.standIn.failWith({ kind: 'slow', latencyMs: 1_000 });
  expect(await application.get(world.token(id))).toMatchObject({ status: 200, body: { user: null } });
  expect(world.handedOver).toEqual([id]);
  recover();
  const dropped = world.standIn.failWith({ kind: 'drop' });
  expect(await application.get(world.token(world.signUp()))).toMatchObject({ status: 200 });
  dropped();
});

test('keys that come late are within the time box, too', async () => {
  const { secretKey, url: apiUrl } = world.standIn;
  const recover = world.standIn.failWith({ kind: 'slow', latencyMs: 60_000, pathPrefix: '/v1/jwks' });
  const verifySession = createSessionVerifier({ secretKey, apiUrl });
  const options = { verifySession, timeoutMs: 500 };
  const alone = [await world.start(options), await world.start({ ...options, whenMissing: 'refuse' })];
  const answers = await Promise.all(alone.map((application) => application.get(world.token(id))));
  expect(answers).toMatchObject([
    { status: 200, body: { user: null } },
    { status: 503, body: { code: 'USER_NOT_READY' } },
  ]);
  // Not the keys' own limit, which is told as CLERK_UNAVAILABLE.
  expect(world.logged).toMatchObject([{ code: 'USER_NOT_READY' }, { code: 'USER_NOT_READY' }]);
  recover();
});
