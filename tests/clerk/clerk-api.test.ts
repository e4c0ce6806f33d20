import { hash } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { createClerkApi } from '../../src/clerk/clerk-api.js';
import {
  type Answer,
  clerkErrors,
  type ScriptedClerk,
  startListening,
  startScriptedClerk,
} from './start-scripted-clerk.js';

const running: ScriptedClerk[] = [];
afterEach(async () => {
  jest.restoreAllMocks();
  for (const clerk of running.splice(0)) await clerk.stop();
});

async function answering(answer: Answer): Promise<ScriptedClerk> {
  const clerk = await startScriptedClerk(() => answer);
  running.push(clerk);
  return clerk;
}

async function behaving(listener: RequestListener): Promise<ScriptedClerk> {
  const clerk = await startListening(listener);
  running.push(clerk);
  return clerk;
}

const neverAnswering: RequestListener = () => undefined;

describe('a request', () => {
  test('goes to the path below /v1 with the key and a fixed API version', async () => {
    const clerk = await answering({ body: [] });
    await clerk.api.get('/users', new URLSearchParams({ order_by: '+created_at', limit: '500' }));
    const [request] = clerk.requests;
    expect(request?.method).toBe('GET');
    expect(request?.url).toBe('/v1/users?order_by=%2Bcreated_at&limit=500');
    expect(request?.headers).toMatchObject({
      authorization: 'Bearer sk_test_scripted',
      'clerk-api-version': '2026-05-12',
      'user-agent': 'clerk-temporal-sync',
      accept: 'application/json',
    });
  });

  test('without a query has no question mark', async () => {
    const clerk = await answering({ body: [] });
    await clerk.api.get('/users/count', new URLSearchParams());
    expect(clerk.requests[0]?.url).toBe('/v1/users/count');
  });

  test('is one: an answer that may be retried is not, for Temporal does that', async () => {
    const clerk = await answering({ status: 503 });
    await expect(clerk.api.get('/users')).rejects.toThrow();
    expect(clerk.requests).toHaveLength(1);
  });

  test('that is redirected does not carry the key elsewhere', async () => {
    const elsewhere = await answering({ body: [] });
    const clerk = await answering({ status: 302, headers: { location: `${elsewhere.url}/v1/users` } });
    await expect(clerk.api.get('/users')).rejects.toMatchObject({ type: 'CLERK_UNAVAILABLE' });
    expect(elsewhere.requests).toEqual([]);
  });
});

describe('an answer that means something', () => {
  test.each([
    ['200', 200, [{ id: 'user_a' }]],
    ["404 with Clerk's body", 404, clerkErrors('resource_not_found')],
    ["422 with Clerk's body", 422, clerkErrors('form_param_value_invalid')],
  ])('%s is returned', async (_, status, body) => {
    const clerk = await answering({ status, body });
    expect(await clerk.api.get('/users')).toEqual({
      status,
      body,
      digest: hash('sha256', JSON.stringify(body), 'base64url'),
      observedAtMs: expect.any(Number),
    });
  });

  test('is not parsed where its digest is known, unless it says more than its body', async () => {
    const seen: string[] = [];
    const isKnown = (digest: string) => {
      seen.push(digest);
      return Promise.resolve(true);
    };
    const clerk = await answering({ body: 'not JSON' });
    const { status, body, digest } = await clerk.api.get('/users', undefined, undefined, isKnown);
    expect({ status, body, digest }).toEqual({ status: 200, body: undefined, digest: seen[0] });
    const refusing = await answering({ status: 404, body: clerkErrors('resource_not_found') });
    expect(await refusing.api.get('/users', undefined, undefined, isKnown)).toMatchObject({ status: 404 });
    expect(seen).toHaveLength(1);
  });

  test('200 with null is JSON too', async () => {
    const clerk = await answering({ body: 'null' });
    expect(await clerk.api.get('/users')).toMatchObject({ status: 200, body: null });
  });

  test('is observed when the request started, however long it took', async () => {
    let nowMs = 1_750_000_000_000;
    jest.spyOn(Date, 'now').mockImplementation(() => nowMs);
    const clerk = await behaving((_request, response) => {
      nowMs += 9_000;
      response.setHeader('date', new Date(nowMs).toUTCString());
      response.end('[]');
    });
    expect((await clerk.api.get('/users')).observedAtMs).toBe(1_750_000_000_000);
  });

  test("is observed by Clerk's clock where ours is wrong, for Clerk's events and deletions are", async () => {
    const clerksMs = 1_750_000_000_000;
    jest.spyOn(Date, 'now').mockReturnValue(clerksMs + 3_600_000);
    const clerk = await behaving((_request, response) => {
      response.setHeader('date', new Date(clerksMs).toUTCString());
      response.end('[]');
    });
    const ahead: number[] = [];
    const api = createClerkApi({
      secretKey: 'sk_test_scripted',
      apiUrl: clerk.url,
      onClock: (aheadMs) => ahead.push(aheadMs),
    });
    expect((await api.get('/users')).observedAtMs).toBe(clerksMs);
    expect(ahead).toEqual([3_600_000]);
  });
});

describe('any other answer is a failure that is retried', () => {
  const html = '<html><body>nginx: somebody@example.com</body></html>';

  test.each<[string, Answer, string]>([
    ['200 with broken JSON', { body: '[{"id":"user_a"' }, 'CLERK_ANSWER_UNUSABLE'],
    ['200 with nothing', { body: '' }, 'CLERK_ANSWER_UNUSABLE'],
    ['200 with HTML', { body: html }, 'CLERK_ANSWER_UNUSABLE'],
    ["a proxy's 404 in HTML", { status: 404, body: html }, 'CLERK_ANSWER_UNUSABLE'],
    [
      "a proxy's 404 in JSON",
      { status: 404, body: { message: 'no Route matched' } },
      'CLERK_ANSWER_UNUSABLE',
    ],
    ['404 with no errors in the list', { status: 404, body: { errors: [] } }, 'CLERK_ANSWER_UNUSABLE'],
    [
      '404 with errors as text',
      { status: 404, body: { errors: 'resource_not_found' } },
      'CLERK_ANSWER_UNUSABLE',
    ],
    ['404 with an error without code', { status: 404, body: { errors: [{}] } }, 'CLERK_ANSWER_UNUSABLE'],
    ["a proxy's 422", { status: 422, body: html }, 'CLERK_ANSWER_UNUSABLE'],
    ['401', { status: 401, body: clerkErrors('clerk_key_invalid') }, 'CLERK_KEY_REFUSED'],
    ['401 with nothing', { status: 401, body: '' }, 'CLERK_KEY_REFUSED'],
    ['403', { status: 403, body: clerkErrors('forbidden') }, 'CLERK_KEY_REFUSED'],
    ['400', { status: 400, body: clerkErrors('bad_request') }, 'CLERK_REQUEST_REFUSED'],
    ['429', { status: 429, body: clerkErrors('too_many_requests') }, 'CLERK_RATE_LIMITED'],
    ['429 in HTML', { status: 429, body: html }, 'CLERK_RATE_LIMITED'],
    ['500', { status: 500, body: clerkErrors('internal_clerk_error') }, 'CLERK_UNAVAILABLE'],
    ['503 in HTML', { status: 503, body: html }, 'CLERK_UNAVAILABLE'],
    ['maintenance', { status: 503, body: { code: 'maintenance_mode' } }, 'CLERK_UNAVAILABLE'],
  ])('%s', async (_, answer, type) => {
    const clerk = await answering(answer);
    const request = clerk.api.get('/users');
    await expect(request).rejects.toMatchObject({ type, nonRetryable: false });
    await expect(request).rejects.toThrow(`GET /users: status ${answer.status ?? 200}`);
    await expect(request).rejects.not.toThrow(/example\.com|sk_test_/);
  });

  test("Clerk's code is in the message", async () => {
    const clerk = await answering({ status: 401, body: clerkErrors('clerk_key_invalid') });
    await expect(clerk.api.get('/users')).rejects.toThrow('status 401, clerk_key_invalid.');
  });

  test.each([429, 503])('%i with Retry-After is tried again after it', async (status) => {
    const clerk = await answering({ status, headers: { 'retry-after': '7' } });
    await expect(clerk.api.get('/users')).rejects.toMatchObject({ nextRetryDelay: 7000 });
  });

  test.each([429, 503])('%i without Retry-After is left to the retry policy', async (status) => {
    const clerk = await answering({ status });
    await expect(clerk.api.get('/users')).rejects.toMatchObject({ nextRetryDelay: undefined });
  });
});

describe('after a 429 with Retry-After', () => {
  const limited: Answer = { status: 429, headers: { 'retry-after': '7' }, body: clerkErrors('too_many') };
  let nowMs: number;
  let clerk: ScriptedClerk;

  /** A Clerk that refuses its first request so, and answers all others. */
  async function limitedOnce(first: Answer): Promise<void> {
    nowMs = 1_750_000_000_000;
    jest.spyOn(Date, 'now').mockImplementation(() => nowMs);
    let requests = 0;
    clerk = await startScriptedClerk(() => (++requests === 1 ? first : { body: [] }));
    running.push(clerk);
    await expect(clerk.api.get('/users')).rejects.toThrow();
  }

  test('no request of this process is sent before it is over: each fails and says how long is left', async () => {
    await limitedOnce(limited);
    nowMs += 2_000;
    for (const path of ['/users', '/users/count']) {
      await expect(clerk.api.get(path)).rejects.toMatchObject({
        type: 'CLERK_RATE_LIMITED',
        nonRetryable: false,
        nextRetryDelay: 5_000,
      });
    }
    expect(clerk.requests).toHaveLength(1);
  });

  test('the next one is sent once it is over', async () => {
    await limitedOnce(limited);
    nowMs += 7_000;
    expect(await clerk.api.get('/users')).toMatchObject({ status: 200 });
    expect(clerk.requests).toHaveLength(2);
  });

  test.each<[string, Answer]>([
    ['a 429 without one', { status: 429, body: clerkErrors('too_many') }],
    ['a 503, which speaks of one request only,', { ...limited, status: 503 }],
  ])('and after %s the next is sent at once', async (_, first) => {
    await limitedOnce(first);
    expect(await clerk.api.get('/users')).toMatchObject({ status: 200 });
  });
});

describe('no answer is CLERK_UNAVAILABLE', () => {
  const withTimeout = (clerk: ScriptedClerk, timeoutMs: number) =>
    createClerkApi({ secretKey: 'sk_test_scripted', apiUrl: clerk.url, timeoutMs });

  test('when none comes in time', async () => {
    const clerk = await behaving(neverAnswering);
    const request = withTimeout(clerk, 30).get('/users');
    await expect(request).rejects.toMatchObject({ type: 'CLERK_UNAVAILABLE', nonRetryable: false });
    await expect(request).rejects.toThrow('no answer within 30 ms');
  });

  test('when the body does not end in time', async () => {
    const clerk = await behaving((_request, response) => response.writeHead(200).write('[{"id":'));
    await expect(withTimeout(clerk, 30).get('/users')).rejects.toThrow('no answer within 30 ms');
  });

  test.each<[string, RequestListener]>([
    ['before the answer', (request) => request.socket.destroy()],
    [
      'amid the body',
      (request, response) => {
        response.writeHead(200, { 'content-length': '100' });
        response.write('[{"id":', () => request.socket.destroy());
      },
    ],
  ])('when the connection drops %s', async (_, listener) => {
    const clerk = await behaving(listener);
    const request = clerk.api.get('/users');
    await expect(request).rejects.toMatchObject({ type: 'CLERK_UNAVAILABLE', nonRetryable: false });
    await expect(request).rejects.toThrow('the connection failed');
  });

  test('when nothing listens', async () => {
    const clerk = await startScriptedClerk(() => ({}));
    await clerk.stop();
    await expect(clerk.api.get('/users')).rejects.toMatchObject({ type: 'CLERK_UNAVAILABLE' });
  });
});

describe('a cancelled request', () => {
  test('ends at once with the reason of its signal, which is no failure of ours', async () => {
    const cancelling = new AbortController();
    const reason = new Error('the activity was cancelled');
    const clerk = await behaving(() => cancelling.abort(reason));
    await expect(clerk.api.get('/users', undefined, cancelling.signal)).rejects.toBe(reason);
  });

  test('is not sent when it was cancelled before', async () => {
    const reason = new Error('the activity was cancelled');
    const clerk = await answering({ body: [] });
    await expect(clerk.api.get('/users', undefined, AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(clerk.requests).toEqual([]);
  });

  test('a signal that is not used leaves the time limit in force', async () => {
    const clerk = await behaving(neverAnswering);
    const api = createClerkApi({ secretKey: 'sk_test_scripted', apiUrl: clerk.url, timeoutMs: 30 });
    await expect(api.get('/users', undefined, new AbortController().signal)).rejects.toMatchObject({
      type: 'CLERK_UNAVAILABLE',
    });
  });
});
