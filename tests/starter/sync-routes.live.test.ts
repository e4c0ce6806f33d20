import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { temporal } from '@temporalio/proto';
import { TOKEN_ORIGIN } from '../../src/clerk-stand-in/session-keys.js';
import { syncUserWorkflowId } from '../../src/names.js';
import { endCommands, type RunningCommand } from '../cli/run-command.js';
import { deliver, eventAbout, type StarterSurroundings, startSurroundings } from '../cli/starter-process.js';
import { waitUntil } from '../support/wait-until.js';

const API_TOKEN = 'an-operators-token-of-32-characters-or-more';
const PAGE = 'https://app.example.com';
let surroundings: StarterSurroundings;
let starter: RunningCommand & { url: string };

beforeAll(async () => {
  surroundings = await startSurroundings();
  await surroundings.service.startWorker();
});
afterAll(async () => {
  await endCommands();
  await surroundings.stop();
});

const startStarter = (env: Record<string, string> = {}) =>
  surroundings.startStarter({
    CLERK_JWT_KEY: surroundings.service.standIn.jwtKey.replaceAll('\n', '\\n'),
    CLERK_AUTHORIZED_PARTIES: `${TOKEN_ORIGIN},https://other.example.com`,
    CORS_ORIGINS: `${PAGE}, https://admin.example.com`,
    API_TOKEN,
    LOG_LEVEL: 'trace',
    ...env,
  });

let users = 0;
/** Somebody who has just signed up, and of whom no webhook tells. */
const newUser = (fields: object = {}) =>
  surroundings.service.standIn.users.createUser({
    first_name: 'Ada',
    email_address: [`sync${++users}@example.com`],
    ...fields,
  });
const token = (sub: string, claims: object = {}) =>
  surroundings.service.standIn.mintToken({ sub, ...claims });
const post = (path: string, headers: Record<string, string> = {}) =>
  fetch(starter.url + path, { method: 'POST', headers });
/** The body of an answer. */
const jsonOf = async (response: Response) => (await response.json()) as { user: object; message: string };
const syncMe = (bearer: string) => post('/v1/sync/me', { authorization: `Bearer ${bearer}` });
const syncUser = (id: string, bearer: string) =>
  post(`/v1/users/${id}/sync`, { authorization: `Bearer ${bearer}` });
const row = (clerkId: string) => surroundings.service.db.user.findUnique({ where: { clerkId } });
const untilRow = (clerkId: string) =>
  waitUntil(async () => (await row(clerkId)) !== null, {
    describe: `a row of ${clerkId}`,
  });
const askedClerk = () => surroundings.service.standIn.stats.byRoute['GET /v1/users/:id'] ?? 0;
const runsOf = async (id: string) => {
  const runs = [];
  const query = `WorkflowId = '${syncUserWorkflowId(id)}'`;
  for await (const run of surroundings.service.client.workflow.list({ query })) runs.push(run);
  return runs;
};

describe('a starter with a key, a token and origins:', () => {
  beforeEach(async () => {
    if (starter !== undefined) return;
    starter = await startStarter();
    // The worker's first workflow takes longer to load than anybody waits.
    await waitUntil(async () => (await syncMe(token(newUser().id))).status === 200, {
      describe: 'the first answer',
    });
  });

  describe('POST /v1/sync/me', () => {
    test('answers the row of somebody of whom no webhook told, as it is in the table', async () => {
      const { id } = newUser();
      const response = await syncMe(token(id));
      expect(response.status).toBe(200);
      expect(response.headers.get('cache-control')).toBe('no-store');
      const body = await jsonOf(response);
      const { raw: _, contentHash: __, ...stored } = (await row(id)) ?? { raw: null, contentHash: null };
      expect(body).toEqual({ outcome: 'created', user: JSON.parse(JSON.stringify(stored)) });
      expect(body.user).toMatchObject({
        clerkId: id,
        firstName: 'Ada',
        syncedBy: 'sign-in',
        deletedAt: null,
      });
    });

    test('answers what Clerk shows now, whatever the table said', async () => {
      const { id } = newUser();
      await syncMe(token(id));
      surroundings.service.standIn.users.updateUser(id, { first_name: 'Grace' });
      expect(await (await syncMe(token(id))).json()).toMatchObject({
        outcome: 'updated',
        user: { firstName: 'Grace' },
      });
      expect(await (await syncMe(token(id))).json()).toMatchObject({ outcome: 'unchanged' });
    });

    test('50 at once of one user, a webhook among them, ask Clerk at most twice, write one row, and all have it', async () => {
      const created = newUser();
      const before = askedClerk();
      // A busy machine takes a while to send fifty requests; Clerk's first answer comes after the last of them.
      surroundings.service.standIn.settings.latencyMs = 500;
      const [webhook, ...answers] = await Promise.all([
        deliver(starter.url, eventAbout(created.id, created.updated_at, { first_name: 'Ada' })),
        ...Array.from({ length: 50 }, () => syncMe(token(created.id))),
      ]);
      surroundings.service.standIn.settings.latencyMs = 0;
      expect(webhook.status).toBe(202);
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
      for (const answer of answers)
        expect(await answer.json()).toMatchObject({ user: { clerkId: created.id, firstName: 'Ada' } });
      expect(askedClerk() - before).toBeLessThanOrEqual(2);
      const changes = await surroundings.service.db.userChange.findMany({ where: { clerkId: created.id } });
      expect(changes.filter(({ kind }) => kind === 'created')).toHaveLength(1);
    });

    test('is 429 for who asks without end, one request after the other, and not for others', async () => {
      const { id } = newUser();
      const before = askedClerk();
      const statuses: number[] = [];
      for (let n = 0; n < 30 && !statuses.includes(429); n++) {
        const response = await syncMe(token(id));
        statuses.push(response.status);
        if (response.status !== 429) continue;
        expect(response.headers.get('retry-after')).toBe('10');
        expect(await response.json()).toMatchObject({ code: 'SYNC_TOO_OFTEN' });
      }
      expect(statuses).toContain(429);
      expect(askedClerk() - before).toBe(statuses.filter((status) => status === 200).length);
      expect((await syncMe(token(newUser().id))).status).toBe(200);
    });

    test('is 404, and writes nothing, for somebody whom Clerk does not have', async () => {
      const response = await syncMe(token('user_nobody'));
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ code: 'USER_NOT_FOUND' });
      expect(await row('user_nobody')).toBeNull();
    });

    test('is 404 for somebody who was deleted, while Clerk still shows them and after, and the tombstone stays', async () => {
      const { id } = newUser();
      await syncMe(token(id));
      await surroundings.service.db.user.update({ where: { clerkId: id }, data: { deletedAt: new Date() } });
      for (const shown of [true, false]) {
        if (!shown) surroundings.service.standIn.users.deleteUser(id);
        const response = await syncMe(token(id));
        expect(response.status).toBe(404);
        expect(await response.json()).toMatchObject({ code: 'USER_NOT_FOUND' });
      }
      expect((await row(id))?.deletedAt).not.toBeNull();
    });

    test('is answered with the failure when the row is refused, and right once that is cured', async () => {
      const { db, standIn } = surroundings.service;
      await db.$executeRaw`ALTER TABLE users ADD CONSTRAINT own_check CHECK (first_name <> 'Refused')`;
      const { id } = newUser({ first_name: 'Refused' });
      const response = await syncMe(token(id));
      expect(response.status).toBe(500);
      const { message, ...body } = await jsonOf(response);
      expect(body).toEqual({ outcome: 'rejected', code: 'ROW_REJECTED', kept: true });
      expect(message).toContain('parked');
      standIn.users.updateUser(id, { first_name: 'Taken' });
      expect((await syncMe(token(id))).status).toBe(200);
    });

    const seconds = () => Math.floor(Date.now() / 1000);
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    const large = generateKeyPairSync('rsa', { modulusLength: 4096 }).privateKey;
    const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
    const unsigned = (sub: string, alg: string) =>
      `${encode({ alg, typ: 'JWT', kid: surroundings.service.standIn.instanceId })}.${encode({ sub, sid: 'sess_1', azp: TOKEN_ORIGIN, iat: seconds(), exp: seconds() + 60 })}`;
    const signedBy = (key: typeof other, sub: string) => {
      const text = unsigned(sub, 'RS256');
      return `${text}.${sign('RSA-SHA256', Buffer.from(text), key).toString('base64url')}`;
    };
    test.each<[string, (id: string) => string]>([
      ['is forged', (id) => signedBy(other, id)],
      ['a key of 4096 bits signed', (id) => signedBy(large, id)],
      ['is not signed (alg none)', (id) => `${unsigned(id, 'none')}.AA`],
      [
        'the public key signed as an HS256 secret',
        (id) => {
          const text = unsigned(id, 'HS256');
          const hmac = createHmac('sha256', surroundings.service.standIn.jwtKey);
          return `${text}.${hmac.update(text).digest('base64url')}`;
        },
      ],
      ['has expired', (id) => token(id, { exp: seconds() - 10 })],
      ['holds only later', (id) => token(id, { nbf: seconds() + 60 })],
      ['is of another origin', (id) => token(id, { azp: 'https://elsewhere.example.com' })],
      ['is of no session', (id) => token(id, { sid: null })],
      ['is of somebody who impersonates the user', (id) => token(id, { act: { sub: 'user_admin' } })],
      ['is of a session with tasks left', (id) => token(id, { sts: 'pending' })],
      ['is the API token of operators', () => API_TOKEN],
      ['is garbage', () => 'a.b.c'],
      ['is missing', () => ''],
    ])('with a token that %s is 401, and nobody is asked and nothing written', async (_, bad) => {
      const { id } = newUser();
      const before = askedClerk();
      const response = await syncMe(bad(id));
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toBe('Bearer');
      expect(await response.json()).toEqual({
        outcome: 'rejected',
        code: 'SESSION_INVALID',
        message: expect.any(String),
      });
      expect(askedClerk()).toBe(before);
      expect(await row(id)).toBeNull();
      expect(await runsOf(id)).toEqual([]);
    });
  });

  describe('while something is down, POST /v1/sync/me', () => {
    const expectUnfinished = async (response: Response, code: string, message: RegExp) => {
      expect(response.status).toBe(503);
      expect(response.headers.get('retry-after')).toBe('5');
      expect(await response.json()).toEqual({
        outcome: 'rejected',
        code,
        message: expect.stringMatching(message),
        kept: message === kept,
      });
    };
    /** Asks until the answer tells so: a busy machine may not find out why in the time that a request has. */
    const untilUnfinished = (ask: () => Promise<Response>, code: string, message: RegExp) =>
      waitUntil(
        async () => {
          await expectUnfinished(await ask(), code, message);
          return true;
        },
        { describe: code },
      );
    const kept = /Temporal has the change, and the row follows by itself\.$/;

    test.each([
      ['does not answer', { kind: 'drop' }],
      ['takes longer than anybody waits', { kind: 'slow', latencyMs: 60_000 }],
      ['answers 500', { kind: 'status', status: 500 }],
    ] as const)(
      'says in time that Clerk %s, and the row comes by itself once it does',
      async (_, failure) => {
        const { id } = newUser();
        const end = surroundings.service.standIn.failWith({ ...failure, pathPrefix: '/v1/users/' });
        try {
          // Each answer comes while Clerk still fails.
          const code = failure.kind === 'slow' ? 'SYNC_UNFINISHED' : 'CLERK_UNAVAILABLE';
          await untilUnfinished(() => syncMe(token(id)), code, kept);
        } finally {
          end();
        }
        await untilRow(id);
      },
    );

    test('says that Clerk has enough of us, and the row comes by itself', async () => {
      const { id } = newUser();
      const end = surroundings.service.standIn.failWith({
        kind: 'status',
        status: 429,
        headers: { 'retry-after': '6' },
        pathPrefix: '/v1/users/',
      });
      try {
        await untilUnfinished(() => syncMe(token(id)), 'CLERK_RATE_LIMITED', kept);
      } finally {
        end();
      }
      await untilRow(id);
    });

    test('says that Postgres is down, and the row comes by itself', async () => {
      const { id } = newUser();
      await surroundings.service.database.goDown();
      try {
        await untilUnfinished(() => syncMe(token(id)), 'POSTGRES_UNAVAILABLE', kept);
      } finally {
        await surroundings.service.database.comeBack();
      }
      await untilRow(id);
    });

    test('says that no worker answers, and the row comes once one does', async () => {
      const { id } = newUser();
      await surroundings.service.stopWorker();
      try {
        await untilUnfinished(() => syncMe(token(id)), 'SYNC_UNFINISHED', kept);
        // An update that no worker has accepted is in no history; a signal is.
        const { EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED } = temporal.api.enums.v1.EventType;
        const handle = surroundings.service.client.workflow.getHandle(syncUserWorkflowId(id));
        const { events } = await handle.fetchHistory();
        expect(events?.map(({ eventType }) => eventType)).toContain(EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED);
      } finally {
        await surroundings.service.startWorker();
      }
      await untilRow(id);
    });

    test('says in time that Temporal is silent and noted nothing, to 20 at once too, and works once it is back', async () => {
      const { id } = newUser();
      surroundings.proxy.hold();
      try {
        const answers = await Promise.all(Array.from({ length: 20 }, () => syncMe(token(id))));
        for (const answer of answers)
          await expectUnfinished(answer, 'TEMPORAL_UNAVAILABLE', /Nothing was noted: ask again\.$/);
      } finally {
        surroundings.proxy.release();
      }
      await waitUntil(async () => (await syncMe(token(id))).status === 200, {
        describe: 'the row',
      });
    });
  });

  describe('a web page', () => {
    const preflight = (origin: string, path = '/v1/sync/me') =>
      fetch(starter.url + path, {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'authorization',
        },
      });

    test('of one of the origins may ask, and read the answer, a refusal too', async () => {
      const asked = await preflight(PAGE);
      expect(asked.status).toBe(204);
      expect(asked.headers.get('access-control-allow-origin')).toBe(PAGE);
      expect(asked.headers.get('access-control-allow-methods')).toBe('POST');
      expect(asked.headers.get('access-control-allow-headers')).toBe('Authorization,Content-Type');
      expect(asked.headers.get('vary')).toMatch(/\bOrigin\b/);
      for (const bearer of [token(newUser().id), 'bad']) {
        const { headers } = await post('/v1/sync/me', {
          origin: 'https://admin.example.com',
          authorization: `Bearer ${bearer}`,
        });
        expect(headers.get('access-control-allow-origin')).toBe('https://admin.example.com');
        expect(headers.get('vary')).toMatch(/\bOrigin\b/);
        expect(headers.get('access-control-allow-credentials')).toBeNull();
      }
    });

    test.each([
      'https://app.example.com.evil.example',
      'http://app.example.com',
      'https://app.example.com:8443',
      'https://sub.app.example.com',
      'null',
    ])('of %s may not', async (origin) => {
      expect((await preflight(origin)).headers.get('access-control-allow-origin')).toBeNull();
    });

    test('of any origin may not use the route of operators, nor that of webhooks', async () => {
      for (const path of ['/v1/users/user_ada/sync', '/webhooks/clerk'])
        expect((await preflight(PAGE, path)).headers.get('access-control-allow-origin')).toBeNull();
    });
  });

  describe('POST /v1/users/:id/sync', () => {
    test("answers the user's row to an operator, and names the writer", async () => {
      const { id } = newUser();
      const response = await syncUser(id, API_TOKEN);
      expect(response.status).toBe(200);
      expect(await response.json()).toMatchObject({
        outcome: 'created',
        user: { clerkId: id, syncedBy: 'operator' },
      });
    });

    test.each<[string, (id: string) => string]>([
      ['a wrong token', () => API_TOKEN.replace('an', 'no')],
      ['a part of the token', () => API_TOKEN.slice(0, -1)],
      ['more than the token', () => `${API_TOKEN}x`],
      ["the user's own session token", (id) => token(id)],
      ['no token', () => ''],
    ])('with %s is 401, and nothing is written', async (_, bearer) => {
      const { id } = newUser();
      const response = await syncUser(id, bearer(id));
      expect(response.status).toBe(401);
      expect(await response.json()).toMatchObject({ code: 'API_TOKEN_INVALID' });
      expect(await runsOf(id)).toEqual([]);
    });

    test('is 400 for what is no id, with the token too', async () => {
      for (const id of ['nobody', 'user_', 'user_a%2F..%2Fb', 'org_1', `user_${'a'.repeat(300)}`]) {
        const response = await syncUser(id, API_TOKEN);
        expect(response.status).toBe(400);
        expect(await response.json()).toMatchObject({ code: 'USER_ID_INVALID' });
      }
    });

    test('of an unreadable path is 400, and no delivery', async () => {
      expect((await syncUser('%ff', API_TOKEN)).status).toBe(400);
      expect(await (await fetch(`${starter.url}/metrics`)).text()).not.toContain('result="BODY_UNREADABLE"');
    });
  });

  test('the log names users and outcomes, and no token, e-mail address or name', async () => {
    const { id } = newUser({ first_name: 'Markername' });
    const [good, bad] = [token(id), `${token(id).slice(0, -8)}AAAAAAAA`];
    await syncMe(good);
    await syncMe(bad);
    await syncUser(id, API_TOKEN);
    await waitUntil(() => starter.logs().filter(({ clerkUserId }) => clerkUserId === id).length === 2, {
      describe: () => starter.output(),
    });
    const [line] = starter.logs().filter(({ clerkUserId }) => clerkUserId === id);
    expect(line).toMatchObject({
      msg: 'User synced',
      writer: 'sign-in',
      outcome: 'created',
      workflowId: syncUserWorkflowId(id),
      durationMs: expect.any(Number),
    });
    expect(starter.logs()).toContainEqual(
      expect.objectContaining({
        msg: 'User not synced',
        code: 'SESSION_INVALID',
        detail: expect.stringContaining('token-invalid-signature'),
      }),
    );
    for (const secret of [good, bad, ...good.split('.'), API_TOKEN, '@example.com', 'Markername'])
      expect(starter.output()).not.toContain(secret);
  });
});

describe('a starter without', () => {
  let ours: RunningCommand & { url: string };
  const ask = (path: string, bearer: string) =>
    fetch(ours.url + path, { method: 'POST', headers: { authorization: `Bearer ${bearer}` } });
  const warnings = () => ours.logs().filter(({ level }) => level === 40);
  afterEach(() => ours.signal('SIGKILL'));

  test('API_TOKEN has no route for operators, whatever they send', async () => {
    ours = await startStarter({ API_TOKEN: '' });
    const { id } = newUser();
    const nothing = await (await ask('/nothing', '')).json();
    for (const bearer of [API_TOKEN, '', 'undefined']) {
      const response = await ask(`/v1/users/${id}/sync`, bearer);
      expect(response.status).toBe(404);
      expect(await response.json()).toEqual(nothing);
    }
  });

  test('CORS_ORIGINS lets no web page in', async () => {
    ours = await startStarter({ CORS_ORIGINS: '' });
    const response = await fetch(`${ours.url}/v1/sync/me`, {
      method: 'POST',
      headers: { origin: PAGE, authorization: `Bearer ${token(newUser().id)}` },
    });
    expect(response.status).toBe(200);
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
  });

  test('CLERK_AUTHORIZED_PARTIES takes tokens of any origin, and warns once', async () => {
    ours = await startStarter({ CLERK_AUTHORIZED_PARTIES: '' });
    for (let n = 0; n < 2; n++)
      expect(
        (await ask('/v1/sync/me', token(newUser().id, { azp: 'https://else.example.com' }))).status,
      ).toBe(200);
    expect(warnings().filter(({ msg }) => String(msg).includes('CLERK_AUTHORIZED_PARTIES'))).toHaveLength(1);
  });

  test('CLERK_JWT_KEY reads the keys from Clerk: once for 20 at once; while it cannot, that is 503 and no 401', async () => {
    const { standIn } = surroundings.service;
    ours = await startStarter({
      CLERK_JWT_KEY: '',
      CLERK_SECRET_KEY: standIn.secretKey,
      CLERK_API_URL: standIn.url,
    });
    const { id } = newUser();
    const end = standIn.failWith({ kind: 'drop', pathPrefix: '/v1/jwks' });
    const refused = await ask('/v1/sync/me', token(id));
    end();
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({ code: 'CLERK_UNAVAILABLE' });
    const before = standIn.stats.byRoute['GET /v1/jwks'] ?? 0;
    const all20 = async () => {
      const answers = await Promise.all(Array.from({ length: 20 }, () => ask('/v1/sync/me', token(id))));
      expect(answers.filter(({ status }) => status !== 200 && status !== 503)).toEqual([]);
      return answers.every(({ status }) => status === 200);
    };
    await waitUntil(all20, { describe: 'the end of the rest after a failure' });
    expect((standIn.stats.byRoute['GET /v1/jwks'] ?? 0) - before).toBe(1);
  });

  test('any key of Clerk says at start and in its 404 that sessions cannot be verified', async () => {
    ours = await startStarter({ CLERK_JWT_KEY: '' });
    const response = await ask('/v1/sync/me', token(newUser().id));
    expect(response.status).toBe(404);
    expect((await jsonOf(response)).message).toContain('set CLERK_JWT_KEY or CLERK_SECRET_KEY');
    expect(warnings().filter(({ msg }) => String(msg).includes('CLERK_JWT_KEY'))).toHaveLength(1);
  });
});
