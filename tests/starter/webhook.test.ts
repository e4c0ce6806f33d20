import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from '@jest/globals';
import { FAILURES, failure } from '../../src/failures.js';
import type { AppDependencies } from '../../src/starter/app.js';
import type { JsonObject } from '../../src/user-change.js';
import { fullClerkUser } from '../clerk/full-clerk-user.js';
import { deferred } from './deferred.js';
import { OTHER_SECRET, SECRET, sign, startTestStarter, type TestStarter } from './start-test-starter.js';

const EVENT_AT_MS = 1_750_000_000_012;
const user = fullClerkUser();
/** All that must not be answered, logged or counted. */
const PERSONAL = /Ada|Lovelace|ada\.example|5555550|crm-17|cus_17|dark/;

const event = (type: string, data: unknown, envelope: JsonObject = {}) =>
  JSON.stringify({
    object: 'event',
    type,
    timestamp: EVENT_AT_MS,
    instance_id: 'ins_ours',
    data,
    ...envelope,
  });
const UPDATED = event('user.updated', user);

let starter: TestStarter;
afterEach(() => starter.stop());
async function start(given: Partial<AppDependencies> = {}): Promise<TestStarter> {
  starter = await startTestStarter(given);
  return starter;
}
const unavailable = () => Promise.reject(failure('TEMPORAL_UNAVAILABLE', 'No answer within 5000 ms.'));

describe('202 accepted', () => {
  test('tells the workflow that has the change', async () => {
    await start();
    const response = await starter.deliver(UPDATED);
    expect(response.status).toBe(202);
    expect(await response.json()).toEqual({ outcome: 'accepted', workflowId: 'sync-user/user_ada' });
  });

  test('means that the signaler was given the change, the svix-id and the size of the delivery', async () => {
    await start();
    await starter.deliver(UPDATED, sign(UPDATED, { svixId: 'msg_42' }));
    const { private_metadata: _, ...kept } = user;
    expect(starter.signalled).toEqual([
      {
        bytes: Buffer.byteLength(UPDATED),
        change: {
          kind: 'snapshot',
          writer: 'webhook',
          clerkUserId: 'user_ada',
          clerkUpdatedAtMs: 1_750_000_000_000,
          observedAtMs: EVENT_AT_MS,
          instanceId: 'ins_ours',
          svixId: 'msg_42',
          user: kept,
        },
      },
    ]);
  });

  test('is not answered before the signaler has resolved', async () => {
    const taken = deferred();
    const called = deferred();
    await start({
      signalUser: () => {
        called.resolve();
        return taken.promise;
      },
    });
    let answered = false;
    const delivery = starter.deliver(UPDATED).finally(() => {
      answered = true;
    });
    await called.promise;
    // Two requests later, an answer sent at once would have come.
    for (let n = 0; n < 2; n += 1) await fetch(`${starter.url}/healthz`);
    expect(answered).toBe(false);
    taken.resolve();
    expect((await delivery).status).toBe(202);
  });

  test('holds for a body that came compressed: the signature is over what was compressed', async () => {
    await start();
    const response = await fetch(`${starter.url}/webhooks/clerk`, {
      method: 'POST',
      headers: { ...sign(UPDATED), 'content-encoding': 'gzip' },
      body: new Uint8Array(gzipSync(UPDATED)),
    });
    expect(response.status).toBe(202);
    expect(starter.signalled[0]?.bytes).toBe(Buffer.byteLength(UPDATED));
  });

  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/json; charset=latin1',
    'nonsense',
  ])('does not depend on the content type: %s', async (type) => {
    await start();
    const response = await starter.deliver(UPDATED, { ...sign(UPDATED), 'content-type': type });
    expect(response.status).toBe(202);
  });

  test('is given to either secret of a rotation', async () => {
    await start();
    for (const secret of [SECRET, OTHER_SECRET]) {
      expect((await starter.deliver(UPDATED, sign(UPDATED, { secret }))).status).toBe(202);
    }
  });

  test('in refetch mode carries nothing that is the person', async () => {
    await start({ mode: 'refetch' });
    await starter.deliver(UPDATED);
    expect(starter.signalled[0]?.change.kind).toBe('refetch');
    expect(JSON.stringify(starter.signalled)).not.toMatch(PERSONAL);
  });

  test('carries private metadata only if that is to be stored', async () => {
    await start({ keepPrivateMetadata: true });
    await starter.deliver(UPDATED);
    expect(JSON.stringify(starter.signalled)).toContain('cus_17');
  });
});

test('200 ignored answers an event type that is not synced, and signals nobody', async () => {
  await start();
  const response = await starter.deliver(event('organization.created', { id: 'org_1' }));
  expect(response.status).toBe(200);
  expect(await response.json()).toEqual({ outcome: 'ignored', eventType: 'organization.created' });
  expect(starter.signalled).toEqual([]);
});

describe('a rejected delivery', () => {
  const unusable = event('user.updated', { ...user, id: 7 });
  const nobody = event('user.deleted', { id: '\ud800' });
  const foreign = event('user.updated', user, { instance_id: 'ins_Lovelace' });

  test.each<
    [string, number, keyof typeof FAILURES, string, Record<string, string>, Partial<AppDependencies>]
  >([
    ['forged', 400, 'SIGNATURE_INVALID', UPDATED, { ...sign(UPDATED), 'svix-id': 'msg_2' }, {}],
    ['changed on the way', 400, 'SIGNATURE_INVALID', `${UPDATED} `, sign(UPDATED), {}],
    [
      'old',
      400,
      'TIMESTAMP_OUTSIDE_TOLERANCE',
      UPDATED,
      sign(UPDATED, { at: new Date(Date.now() - 400_000) }),
      {},
    ],
    ['unsigned', 400, 'SIGNATURE_INVALID', UPDATED, {}, {}],
    ['empty', 400, 'SIGNATURE_INVALID', '', {}, {}],
    ['too large', 413, 'BODY_TOO_LARGE', UPDATED, sign(UPDATED), { maxBodyBytes: UPDATED.length - 1 }],
    ['not JSON', 422, 'EVENT_UNUSABLE', 'Ada {', sign('Ada {'), {}],
    ['of another shape', 422, 'EVENT_UNUSABLE', unusable, sign(unusable), {}],
    ['of nobody', 422, 'EVENT_UNUSABLE', nobody, sign(nobody), {}],
    ["another instance's", 422, 'INSTANCE_MISMATCH', foreign, sign(foreign), { instanceId: 'ins_ours' }],
    [
      'not taken by Temporal',
      503,
      'TEMPORAL_UNAVAILABLE',
      UPDATED,
      sign(UPDATED),
      { signalUser: unavailable },
    ],
  ])('%s is a %i %s that shows nothing of itself', async (_, status, code, body, headers, given) => {
    await start(given);
    const response = await starter.deliver(body, headers);
    const answer = await response.text();
    expect(response.status).toBe(status);
    expect(JSON.parse(answer)).toEqual({ outcome: 'rejected', code, message: FAILURES[code].meaning });
    expect(answer).not.toMatch(PERSONAL);
    expect(JSON.stringify(starter.logs)).not.toMatch(/Ada|ada\.example|5555550|crm-17|cus_17/);
    expect(starter.logs).toContainEqual(
      expect.objectContaining({ level: 40, code, msg: 'Webhook rejected' }),
    );
    expect(await starter.deliveries()).toEqual({ [code]: 1 });
    expect(starter.signalled).toHaveLength(status === 503 ? 1 : 0);
  });

  test.each(['/webhooks/clerk/', '/Webhooks/Clerk', '/webhooks/clerk?a=b'])(
    'is counted under every spelling of the path: too large for %s',
    async (path) => {
      await start({ maxBodyBytes: 10 });
      const headers = sign(UPDATED);
      const response = await fetch(starter.url + path, { method: 'POST', headers, body: UPDATED });
      expect(response.status).toBe(413);
      expect(await starter.deliveries()).toEqual({ BODY_TOO_LARGE: 1 });
      expect(starter.logs).toEqual([
        expect.objectContaining({ code: 'BODY_TOO_LARGE', svixId: 'msg_1', msg: 'Webhook rejected' }),
      ]);
    },
  );

  test('asks Svix to come again soon only if Temporal did not take it', async () => {
    await start({ signalUser: unavailable });
    const later = await starter.deliver(UPDATED);
    expect(later.headers.get('retry-after')).toBe('5');
    const never = await starter.deliver(UPDATED, {});
    expect(never.headers.get('retry-after')).toBeNull();
  });

  test('is not too large when it is as large as the setting', async () => {
    await start({ maxBodyBytes: Buffer.byteLength(UPDATED) });
    expect((await starter.deliver(UPDATED)).status).toBe(202);
  });

  test('is too large by what it is uncompressed, so that a small bomb does not pass', async () => {
    await start({ maxBodyBytes: 10_000 });
    const bomb = gzipSync(' '.repeat(1_000_000));
    expect(bomb.length).toBeLessThan(10_000);
    const response = await fetch(`${starter.url}/webhooks/clerk`, {
      method: 'POST',
      headers: { ...sign(UPDATED), 'content-encoding': 'gzip' },
      body: new Uint8Array(bomb),
    });
    expect(response.status).toBe(413);
  });

  test.each([
    ['gzip', 400],
    ['made-up', 415],
  ])('claims to be %s and is not: %i', async (encoding, status) => {
    await start();
    const response = await starter.deliver(UPDATED, { ...sign(UPDATED), 'content-encoding': encoding });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ outcome: 'rejected', code: 'BODY_UNREADABLE' });
  });

  test('with a body of no bytes but a good signature is unusable', async () => {
    await start();
    const response = await starter.deliver('');
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({ code: 'EVENT_UNUSABLE' });
  });

  test('without any body, signed or not, has no signature that could hold', async () => {
    await start();
    const socket = connect(Number(new URL(starter.url).port), '127.0.0.1');
    const headers = Object.entries({ host: 'starter', connection: 'close', ...sign('') });
    const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`POST /webhooks/clerk HTTP/1.1\r\n${lines.join('')}\r\n`);
    const answer = await text(socket);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('"code":"SIGNATURE_INVALID"');
    expect(starter.logs[0]).toMatchObject({ detail: expect.stringContaining('The delivery has no body.') });
  });
});

describe('an error that nobody foresaw', () => {
  const failing = () => Promise.reject(new TypeError('cannot read Lovelace of undefined'));

  test('is a 500 that shows nothing of it, so that Svix comes again', async () => {
    await start({ signalUser: failing });
    const response = await starter.deliver(UPDATED);
    expect(response.status).toBe(500);
    expect(await response.text()).not.toMatch(/Lovelace|TypeError|webhook\.ts/);
  });

  test('is in the log with its stack, and counted', async () => {
    await start({ signalUser: failing });
    await starter.deliver(UPDATED);
    expect(starter.logs).toContainEqual(
      expect.objectContaining({
        level: 50,
        msg: 'Request failed',
        err: expect.objectContaining({ name: 'TypeError', stack: expect.stringContaining('webhook.test') }),
      }),
    );
    expect(await starter.deliveries()).toEqual({ UNKNOWN: 1 });
  });
});

describe('the log', () => {
  test.each([
    [UPDATED, 'user.updated', 'accepted'],
    [event('session.created', { user_id: 'user_ada', user }), 'session.created', 'accepted'],
    [event('session.ended', { user_id: 'user_ada', user }), 'session.ended', 'ignored'],
  ])('has one line a delivery, with ids and no person', async (body, eventType, outcome) => {
    await start();
    await starter.deliver(body);
    expect(starter.logs).toHaveLength(1);
    expect(starter.logs[0]).toMatchObject({
      level: 30,
      msg: 'Webhook received',
      part: 'starter',
      svixId: 'msg_1',
      eventType,
      outcome,
      durationMs: expect.any(Number),
    });
    expect(JSON.stringify(starter.logs)).not.toMatch(PERSONAL);
    if (outcome === 'accepted') {
      expect(starter.logs[0]).toMatchObject({ clerkUserId: 'user_ada', workflowId: 'sync-user/user_ada' });
    }
  });

  test('says of an unusable delivery which field was wrong', async () => {
    await start();
    await starter.deliver(event('user.updated', { ...user, id: 'Ada' }));
    expect(starter.logs[0]).toMatchObject({
      detail: expect.stringContaining('data.id: is no Clerk user ID'),
    });
    expect(JSON.stringify(starter.logs)).not.toMatch(PERSONAL);
  });

  test('says why Clerk is asked for a user who should have come whole', async () => {
    await start();
    await starter.deliver(event('user.updated', { ...user, updated_at: 1_750_000_000 }));
    expect(starter.signalled[0]?.change.kind).toBe('refetch');
    expect(starter.logs).toEqual([
      expect.objectContaining({
        level: 30,
        outcome: 'accepted',
        lacks: 'updated_at: is in seconds, not milliseconds',
      }),
    ]);
  });

  test('says of a delivery from another time how far this clock is off', async () => {
    await start();
    await starter.deliver(UPDATED, sign(UPDATED, { at: new Date(Date.now() + 600_000) }));
    expect(starter.logs[0]).toMatchObject({
      code: 'TIMESTAMP_OUTSIDE_TOLERANCE',
      detail: expect.stringMatching(/signed (599|600) s after this machine's time/),
    });
  });

  test('says of a foreign delivery whose it is', async () => {
    await start({ instanceId: 'ins_other' });
    await starter.deliver(UPDATED);
    expect(starter.logs[0]).toMatchObject({ detail: expect.stringContaining('It comes from ins_ours.') });
  });
});

test('the metrics count every delivery by its result, and time it', async () => {
  await start();
  for (const body of [UPDATED, UPDATED, event('role.created', {})]) await starter.deliver(body);
  await starter.deliver(UPDATED, {});
  expect(await starter.deliveries()).toEqual({ accepted: 2, ignored: 1, SIGNATURE_INVALID: 1 });
  const metrics = await (await fetch(`${starter.url}/metrics`)).text();
  expect(metrics).toContain('clerk_sync_delivery_seconds_count 4');
  expect(metrics).not.toMatch(PERSONAL);
});
