import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type StandIn, startStandIn } from '../../src/clerk-stand-in/start-stand-in.js';
import { request } from './request.js';
import { type Receiver, SECRET, startReceiver } from './start-receiver.js';

let receiver: Receiver;
let standIn: StandIn;
beforeEach(async () => {
  receiver = await startReceiver();
  standIn = await startStandIn({ seedUsers: 5 });
});
afterEach(() => Promise.all([receiver.stop(), standIn.stop()]));

const control = (path: string, body?: unknown, method = 'POST') =>
  request<Record<string, unknown>>(standIn, `/stand-in/${path}`, {
    method: body === undefined ? 'GET' : method,
    body,
    headers: { authorization: '' },
  });

test('the status tells counts, keys and recent webhooks, and no signing secret', async () => {
  standIn.webhooks.settings.endpoints = [{ url: receiver.url, signingSecret: SECRET }];
  standIn.users.createUser({ username: 'somebody' });
  await standIn.webhooks.idle();
  const { status, body } = await control('status');
  expect(status).toBe(200);
  expect(body).toMatchObject({
    users: 6,
    jwtKey: standIn.jwtKey,
    webhooks: {
      stats: { delivered: 1 },
      recent: [{ type: 'user.created', attempts: [{ outcome: 'delivered' }] }],
    },
  });
  expect(JSON.stringify(body)).not.toContain(SECRET);
});

test('settings are changed over HTTP: endpoints, knobs, latency, failures', async () => {
  const endpoints = [{ url: receiver.url, signingSecret: SECRET }];
  const webhooks = { endpoints, lossRate: 0.25 };
  const failures = [{ kind: 'status', status: 500, times: 1 }];
  const { status } = await control(
    'settings',
    { latencyMs: 1, rateLimit: null, failures, webhooks },
    'PATCH',
  );
  expect(status).toBe(200);
  expect(standIn.settings).toMatchObject({ latencyMs: 1, rateLimit: null, failures });
  expect(standIn.webhooks.settings).toMatchObject({ endpoints, lossRate: 0.25, duplicateRate: 0 });
  expect((await request(standIn, '/v1/users')).status).toBe(500);
  expect((await request(standIn, '/v1/users')).status).toBe(200);
});

test.each([
  [{ lossrate: 1 }, 'lossrate'],
  [{ webhooks: { lossRate: 2 } }, 'lossRate'],
  [{ webhooks: { endpoints: [{ url: 'http://127.0.0.1', signingSecret: 'secret' }] } }, 'whsec_'],
])('a setting that makes no sense is 400 and says which: %j', async (body, named) => {
  const { status, body: answer } = await control('settings', body, 'PATCH');
  expect(status).toBe(400);
  expect(answer.error).toContain(named);
});

test('setting an endpoint again keeps what was scheduled for it', async () => {
  const endpoints = [{ url: receiver.url, signingSecret: SECRET }];
  standIn.webhooks.settings.endpoints = endpoints;
  const [before] = standIn.webhooks.settings.endpoints;
  await control(
    'settings',
    { webhooks: { endpoints: [{ url: receiver.url, signingSecret: SECRET }] } },
    'PATCH',
  );
  expect(standIn.webhooks.settings.endpoints[0]).toBe(before);
});

test('messages are replayed and examples sent over HTTP', async () => {
  standIn.webhooks.settings.endpoints = [{ url: receiver.url, signingSecret: SECRET }];
  const { status, body } = await control('send-example', { type: 'user.deleted' });
  expect(status).toBe(202);
  await standIn.webhooks.idle();
  expect((await control('replay', { svixId: body.svixId })).status).toBe(202);
  await standIn.webhooks.idle();
  expect(receiver.deliveries.map(({ headers }) => headers['svix-id'])).toEqual([body.svixId, body.svixId]);
  expect((await control('replay', { svixId: 'msg_unknown' })).status).toBe(404);
  expect((await control('send-example', { type: 'role.created' })).status).toBe(400);
});

test('the page at / says what this is and where', async () => {
  const response = await fetch(standIn.url);
  expect(response.headers.get('content-type')).toContain('text/html');
  const page = await response.text();
  for (const fact of [standIn.url, standIn.secretKey, standIn.publishableKey]) expect(page).toContain(fact);
});
