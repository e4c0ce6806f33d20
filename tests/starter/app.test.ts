import { afterEach, expect, test } from '@jest/globals';
import { sign, startTestStarter, type TestStarter } from './start-test-starter.js';

let starter: TestStarter;
afterEach(() => starter.stop());

test.each([
  ['POST', '/webhooks'],
  ['POST', '/'],
  ['GET', '/.env'],
  ['GET', '/v1/sync/me'],
  ['GET', '/v1/users/user_ada/sync'],
  ['POST', '/v1/users/user_ada/sync'],
])('%s %s is 404 and says what goes where', async (method, path) => {
  starter = await startTestStarter();
  const response = await fetch(starter.url + path, { method });
  expect(response.status).toBe(404);
  expect(await response.json()).toEqual({
    outcome: 'rejected',
    message: expect.stringMatching(
      /POST \/webhooks\/clerk.*POST \/v1\/sync\/me.*POST \/v1\/users\/:id\/sync/,
    ),
  });
  expect(await starter.deliveries()).toEqual({});
});

const DELIVERED = { outcome: 'rejected', code: 'DELIVERY_MISDIRECTED', message: expect.any(String) };

test.each([
  ['GET', '/webhooks/clerk'],
  ['PUT', '/webhooks/clerk'],
  ['DELETE', '/Webhooks/Clerk/'],
])('%s %s is 405, and counted', async (method, path) => {
  starter = await startTestStarter();
  const response = await fetch(starter.url + path, { method });
  expect(response.status).toBe(405);
  expect(response.headers.get('allow')).toBe('POST');
  expect(await response.json()).toEqual(DELIVERED);
  expect(await starter.deliveries()).toEqual({ DELIVERY_MISDIRECTED: 1 });
});

test.each(['/webhooks/clerk/users', '/webhook/clerk', '/api/webhooks/clerk', '/', '/healthz'])(
  'a delivery to %s is 404, counted and logged',
  async (path) => {
    starter = await startTestStarter();
    const headers = sign('{}', { svixId: 'msg_9' });
    const response = await fetch(starter.url + path, { method: 'POST', headers, body: '{}' });
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual(DELIVERED);
    expect(await starter.deliveries()).toEqual({ DELIVERY_MISDIRECTED: 1 });
    expect(starter.logs).toEqual([
      expect.objectContaining({
        level: 40,
        code: 'DELIVERY_MISDIRECTED',
        svixId: 'msg_9',
        msg: 'Webhook rejected',
      }),
    ]);
  },
);

test('no answer names the framework', async () => {
  starter = await startTestStarter();
  for (const path of ['/healthz', '/metrics', '/nothing']) {
    const { headers } = await fetch(starter.url + path);
    expect(headers.get('x-powered-by')).toBeNull();
  }
});

test('/metrics is plain text in the format of Prometheus', async () => {
  starter = await startTestStarter();
  const response = await fetch(`${starter.url}/metrics`);
  expect(response.headers.get('content-type')).toMatch(/^text\/plain/);
  expect(await response.text()).toContain('# TYPE clerk_sync_deliveries_total counter');
});
