import { createClerkClient } from '@clerk/backend';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type StandIn, startStandIn } from '../../src/clerk-stand-in/start-stand-in.js';
import { type ErrorsBody, getUsers, request } from './request.js';

let standIn: StandIn;
let clockMs: number;
beforeEach(async () => {
  clockMs = Date.UTC(2026, 0, 1);
  standIn = await startStandIn({ seedUsers: 12, now: () => clockMs });
});
afterEach(() => standIn.stop());

const firstCode = (body: ErrorsBody) => body.errors[0]?.code;

describe('the key', () => {
  test('none is an authorization error, a wrong one clerk_key_invalid, both 401', async () => {
    const none = await fetch(`${standIn.url}/v1/users`);
    expect([none.status, firstCode((await none.json()) as ErrorsBody)]).toEqual([
      401,
      'authorization_header_format_invalid',
    ]);
    const wrong = await request(standIn, '/v1/users', { headers: { authorization: 'Bearer sk_test_wrong' } });
    expect([wrong.status, firstCode(wrong.body)]).toEqual([401, 'clerk_key_invalid']);
  });

  test('every answer is exactly application/json', async () => {
    for (const path of ['/v1/users', '/v1/users/count', '/v1/users/user_x', '/v1/jwks', '/v1/nothing']) {
      expect((await request(standIn, path)).headers.get('content-type')).toBe('application/json');
    }
  });

  test('an unknown route is not taken for a missing resource', async () => {
    const { status, body } = await request(standIn, '/v1/organizations');
    expect([status, firstCode(body)]).toEqual([404, 'url_not_found']);
  });
});

describe('the API version', () => {
  const patch = (headers: Record<string, string>, query = '') => {
    const id = standIn.users.ids()[0];
    const body = { public_metadata: { plan: 'x' } };
    return request(standIn, `/v1/users/${id}${query}`, { method: 'PATCH', body, headers });
  };

  test('since 2026-05-12 metadata in PATCH /users/{id} is refused', async () => {
    const { status, body } = await patch({ 'clerk-api-version': '2026-05-12' });
    expect(status).toBe(422);
    expect(body.errors[0]).toMatchObject({
      code: 'form_param_unknown',
      meta: { param_name: 'public_metadata' },
    });
  });

  test('before, it is accepted', async () => {
    expect((await patch({ 'clerk-api-version': '2025-11-10' })).status).toBe(200);
    expect((await patch({}, '?__clerk_api_version=2025-04-10')).status).toBe(200);
  });

  test('an unknown one, or both ways of asking, are 400', async () => {
    expect((await patch({ 'clerk-api-version': '2026-01-01' })).status).toBe(400);
    expect(
      (await patch({ 'clerk-api-version': '2026-05-12' }, '?__clerk_api_version=2026-05-12')).status,
    ).toBe(400);
  });
});

describe('the rate limit', () => {
  test('blocks until the window has passed, and says for how long', async () => {
    standIn.settings.rateLimit = { requests: 2, perMs: 10_000 };
    const statuses = [];
    for (let nth = 0; nth < 4; nth++) statuses.push((await request(standIn, '/v1/users')).status);
    expect(statuses).toEqual([200, 200, 429, 429]);
    clockMs += 6500;
    const blocked = await request(standIn, '/v1/users/count');
    expect([blocked.status, blocked.headers.get('retry-after'), firstCode(blocked.body)]).toEqual([
      429,
      '4',
      'too_many_requests',
    ]);
    expect((await request(standIn, '/v1/jwks')).status).toBe(200);
    clockMs += 3500;
    expect((await request(standIn, '/v1/users')).status).toBe(200);
  });

  test('one user takes ten writes in ten seconds, another is not affected', async () => {
    const [first, second] = standIn.users.ids();
    const write = (id: string | undefined) =>
      request(standIn, `/v1/users/${id}`, { method: 'PATCH', body: { first_name: 'Ada' } });
    for (let nth = 0; nth < 10; nth++) expect((await write(first)).status).toBe(200);
    expect((await write(first)).status).toBe(429);
    expect((await write(second)).status).toBe(200);
  });
});

describe('maintenance', () => {
  const status = async (method: string) => {
    const path = method === 'GET' ? '/v1/users' : `/v1/users/${standIn.users.ids()[0]}`;
    return (await request(standIn, path, { method })).status;
  };

  test('in production changes are 503 and reads go on', async () => {
    standIn.settings.maintenance = 'production';
    expect([await status('GET'), await status('DELETE')]).toEqual([200, 503]);
    const { body } = await request<unknown>(standIn, '/v1/users', { method: 'POST', body: {} });
    expect(body).toMatchObject({ code: 'maintenance_mode', shortMessage: expect.any(String) });
  });

  test('in development everything is 503', async () => {
    standIn.settings.maintenance = 'development';
    expect([await status('GET'), await status('DELETE')]).toEqual([503, 503]);
  });
});

describe('injected failures', () => {
  const client = () => {
    const { url: apiUrl, secretKey } = standIn;
    return createClerkClient({ apiUrl, secretKey, telemetry: { disabled: true } });
  };

  test('an HTML 503 reaches the SDK as an error without errors', async () => {
    standIn.failWith({ kind: 'status', status: 503, body: '<html>', contentType: 'text/html', times: 1 });
    const id = standIn.users.ids()[0] ?? '';
    await expect(client().users.getUser(id)).rejects.toMatchObject({ status: 503, errors: [] });
    expect((await client().users.getUser(id)).id).toBe(id);
  });

  test('a status without a body has the shape of Clerk, and headers of choice', async () => {
    standIn.failWith({ kind: 'status', status: 429, headers: { 'Retry-After': '33' }, times: 2 });
    const answers = [await request(standIn, '/v1/users'), await request(standIn, '/v1/users')];
    expect(answers.map((answer) => [answer.status, answer.headers.get('retry-after')])).toEqual([
      [429, '33'],
      [429, '33'],
    ]);
    expect(answers[0]?.body.errors).toHaveLength(1);
    expect((await request(standIn, '/v1/users')).status).toBe(200);
  });

  test('a failure hits what it matches until it is cleared', async () => {
    const clear = standIn.failWith({
      kind: 'status',
      status: 500,
      method: 'GET',
      pathPrefix: '/v1/users/count',
    });
    expect((await request(standIn, '/v1/users/count')).status).toBe(500);
    expect((await request(standIn, '/v1/users/count')).status).toBe(500);
    expect((await request(standIn, '/v1/users')).status).toBe(200);
    clear();
    expect((await request(standIn, '/v1/users/count')).status).toBe(200);
  });

  test('an empty list looks like an instance without users', async () => {
    standIn.failWith({ kind: 'empty-list', pathPrefix: '/v1/users?', times: 1 });
    expect((await getUsers(standIn, 'limit=5')).body).toEqual([]);
    expect((await getUsers(standIn, 'limit=5')).body).toHaveLength(5);
  });

  test('a dropped connection and broken JSON reach the SDK as failures', async () => {
    const id = standIn.users.ids()[0] ?? '';
    standIn.failWith({ kind: 'drop', times: 1 });
    await expect(client().users.getUser(id)).rejects.toMatchObject({ clerkError: true, status: undefined });
    standIn.failWith({ kind: 'broken-json', times: 1 });
    await expect(client().users.getUser(id)).rejects.toMatchObject({ clerkError: true });
    expect((await client().users.getUser(id)).id).toBe(id);
  });
});

describe('latency', () => {
  test('latencyMs comes before the snapshot: a list shows what changed while it waited', async () => {
    standIn.settings.latencyMs = 30;
    const asked = getUsers(standIn, 'limit=1');
    const { id } = standIn.users.createUser({ username: 'meanwhile' });
    expect((await asked).body[0]?.id).toBe(id);
  });

  test('answerDelayMs comes after it: the answer is old when it arrives', async () => {
    standIn.settings.answerDelayMs = 30;
    const id = standIn.users.ids()[0] ?? '';
    const asked = request<{ first_name: string }>(standIn, `/v1/users/${id}`);
    while (standIn.stats.total === 0) await new Promise(setImmediate);
    standIn.users.updateUser(id, { first_name: 'Newer' });
    expect((await asked).body.first_name).not.toBe('Newer');
  });

  test('a stop does not wait for slow requests', async () => {
    standIn.failWith({ kind: 'slow', latencyMs: 1e9 });
    const asked = request(standIn, '/v1/users').catch(() => 'closed');
    while (standIn.stats.total === 0) await new Promise(setImmediate);
    await standIn.stop();
    expect(await asked).toBe('closed');
  });
});
