import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterEach, describe, expect, test } from '@jest/globals';
import { failure, failureCode } from '../../src/failures.js';
import { handOverToStarter } from '../../src/sign-in/hand-over-to-starter.js';
import type { SyncAnswer } from '../../src/starter/sync-user-now.js';
import { startTestStarter, type TestStarter } from '../starter/start-test-starter.js';

const API_TOKEN = 'an-operators-token-of-32-characters-or-more';
const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()));
});

interface Answering {
  answer?: SyncAnswer;
  apiToken?: string | undefined;
  readUser?: () => Promise<never>;
}

/** The starter's own routes; what Temporal would have said is given. */
async function starterThat(options: Answering = {}): Promise<TestStarter & { asked: string[] }> {
  const { answer = { kind: 'applied', outcome: 'created' } } = options;
  const asked: string[] = [];
  const starter = await startTestStarter({
    sync: {
      syncUserNow: async (clerkUserId, writer) => {
        asked.push(`${clerkUserId} by ${writer}`);
        return answer;
      },
      readUser: options.readUser ?? (async (clerkId) => ({ clerkId, deletedAt: null })),
      verifySession: undefined,
      apiToken: 'apiToken' in options ? options.apiToken : API_TOKEN,
      corsOrigins: [],
    },
  });
  stops.push(starter.stop);
  return { ...starter, asked };
}

/** A server that is not the starter. */
async function server(status: number, body: string, headers: Record<string, string> = {}) {
  const requests: string[] = [];
  const listening = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    if (status !== 0) response.writeHead(status, headers).end(body);
  }).listen(0, '127.0.0.1');
  await once(listening, 'listening');
  const address = listening.address();
  if (address === null || typeof address === 'string') throw new Error('not listening on TCP');
  stops.push(async () => {
    const closed = once(listening, 'close');
    listening.close();
    listening.closeAllConnections();
    await closed;
  });
  return { url: `http://127.0.0.1:${address.port}`, requests };
}

async function expectRefusal(promise: Promise<void>, code: string, message: RegExp): Promise<void> {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(Error);
  expect(failureCode(error)).toBe(code);
  expect((error as Error).message).toMatch(message);
  expect(`${(error as Error).stack} ${JSON.stringify(error)}`).not.toContain(API_TOKEN);
}

const failed = (code: Extract<SyncAnswer, { kind: 'failed' }>['code'], kept: boolean): Answering => ({
  answer: { kind: 'failed', code, kept, detail: '' },
});

describe('a user is handed over', () => {
  test.each(['', '/'])('when the starter answers the row, its address ending in "%s"', async (end) => {
    const starter = await starterThat();
    await handOverToStarter({ url: starter.url + end, apiToken: API_TOKEN })('user_ada');
    expect(starter.asked).toEqual(['user_ada by operator']);
  });

  test.each([
    ['Clerk is down and Temporal has the change', failed('CLERK_UNAVAILABLE', true)],
    ['no worker runs and Temporal has the change', failed('SYNC_UNFINISHED', true)],
    ['the run is parked until somebody acts', failed('ROW_REJECTED', true)],
    ['Clerk does not have the user', { answer: { kind: 'applied', outcome: 'ignored' } } as const],
    [
      'the row was written but could not be read',
      {
        readUser: async () => {
          throw failure('POSTGRES_UNAVAILABLE', '');
        },
      },
    ],
  ])('when %s', async (_, options) => {
    const starter = await starterThat(options);
    await handOverToStarter({ url: starter.url, apiToken: API_TOKEN })('user_ada');
    expect(starter.asked).toHaveLength(1);
  });
});

describe('a user is not handed over, and the error never has the token,', () => {
  test('when Temporal did not take the change', async () => {
    const { url } = await starterThat(failed('TEMPORAL_UNAVAILABLE', false));
    const promise = handOverToStarter({ url, apiToken: API_TOKEN })('user_ada');
    await expectRefusal(promise, 'TEMPORAL_UNAVAILABLE', /user_ada\/sync: status 503\.$/);
  });

  test('when the starter has another token', async () => {
    const starter = await starterThat({ apiToken: 'another-token-of-at-least-32-characters' });
    const promise = handOverToStarter({ url: starter.url, apiToken: API_TOKEN })('user_ada');
    await expectRefusal(promise, 'API_TOKEN_INVALID', /status 401\.$/);
    expect(starter.asked).toEqual([]);
  });

  test('when the starter has no token', async () => {
    const { url } = await starterThat({ apiToken: undefined });
    const promise = handOverToStarter({ url, apiToken: API_TOKEN })('user_ada');
    await expectRefusal(promise, 'STARTER_UNAVAILABLE', /status 404, as of a starter without API_TOKEN\.$/);
  });

  test('when the id is none: it does not change the path', async () => {
    const starter = await starterThat();
    const promise = handOverToStarter({ url: starter.url, apiToken: API_TOKEN })('../user_ada');
    await expectRefusal(promise, 'USER_ID_INVALID', /status 400\.$/);
    expect(starter.asked).toEqual([]);
  });

  test.each([
    [200, '<html>Welcome</html>'],
    [200, 'null'],
    [503, 'upstream connect error'],
    [503, '{"code":"NO_CODE_OF_OURS"}'],
    [500, ''],
  ])('when somebody else answers, %s with %p', async (status, body) => {
    const { url } = await server(status, body);
    const promise = handOverToStarter({ url, apiToken: API_TOKEN })('user_ada');
    await expectRefusal(promise, 'STARTER_UNAVAILABLE', new RegExp(`status ${status}\\.$`));
  });

  test('when it is redirected: the token goes nowhere else', async () => {
    const elsewhere = await server(200, '{"outcome":"created"}');
    const { url } = await server(307, '', { location: `${elsewhere.url}/` });
    const promise = handOverToStarter({ url, apiToken: API_TOKEN })('user_ada');
    await expectRefusal(promise, 'STARTER_UNAVAILABLE', /status 307\.$/);
    expect(elsewhere.requests).toEqual([]);
  });

  test('when nobody answers in time', async () => {
    const { url } = await server(0, '');
    const promise = handOverToStarter({ url, apiToken: API_TOKEN, timeoutMs: 50 })('user_ada');
    await expectRefusal(promise, 'STARTER_UNAVAILABLE', /no answer within 50 ms\.$/);
  });

  test('when nobody listens', async () => {
    const { url } = await server(200, '');
    await Promise.all(stops.splice(0).map((stop) => stop()));
    const promise = handOverToStarter({ url, apiToken: API_TOKEN })('user_ada');
    await expectRefusal(promise, 'STARTER_UNAVAILABLE', /the connection failed\.$/);
  });
});

test.each([
  ['an empty token', { url: 'https://sync.example.com', apiToken: '' }],
  ['a token with its line break', { url: 'https://sync.example.com', apiToken: `${API_TOKEN}\n` }],
  ['a bare host', { url: 'sync.example.com', apiToken: API_TOKEN }],
  ['another protocol', { url: 'ftp://sync.example.com', apiToken: API_TOKEN }],
  ['a password in the address', { url: `https://me:${API_TOKEN}@example.com`, apiToken: API_TOKEN }],
  ['a query', { url: `https://example.com/?token=${API_TOKEN}`, apiToken: API_TOKEN }],
])('%s is refused at once, by a message without the token', (_, options) => {
  let message = '';
  try {
    handOverToStarter(options);
  } catch (error) {
    if (error instanceof TypeError) message = error.message;
  }
  expect(message).toMatch(/^handOverToStarter: (url|apiToken) must be/);
  expect(message).not.toContain(API_TOKEN);
});
