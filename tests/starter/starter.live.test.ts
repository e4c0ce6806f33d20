import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { defaultPayloadConverter } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import { RECONCILE_SCHEDULE_ID, SWEEP_SCHEDULE_ID, syncUserWorkflowId } from '../../src/names.js';
import type { JsonValue, UserChange } from '../../src/user-change.js';
import { endCommands, type RunningCommand, runCommand } from '../cli/run-command.js';
import { startTcpProxy, type TcpProxy } from '../cli/tcp-proxy.js';
import { clerkUser } from '../support/clerk-user.js';
import { fromSetUp } from '../support/from-set-up.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { waitUntil } from '../support/wait-until.js';
import { SECRET, sign } from './start-test-starter.js';

const T0 = 1_750_000_000_000;
let service: TestService;
let proxy: TcpProxy;
let users = 0;
const newUserId = () => `user_starter${++users}`;

beforeAll(async () => {
  service = await startTestService();
  proxy = await startTcpProxy(fromSetUp('TEST_TEMPORAL_ADDRESS'));
});
afterAll(async () => {
  await proxy.close();
  await service.stop();
});
afterEach(endCommands);

const settings = () => ({
  PORT: '0',
  HOST: '127.0.0.1',
  CLERK_WEBHOOK_SIGNING_SECRET: SECRET,
  DATABASE_URL: service.database.url,
  TEMPORAL_ADDRESS: proxy.address,
  TEMPORAL_NAMESPACE: service.namespace,
  RECONCILE_INTERVAL_SECONDS: '86400',
});

async function startStarter(env: Record<string, string> = {}): Promise<RunningCommand & { url: string }> {
  const command = runCommand('starter', { ...settings(), ...env });
  const url = String((await command.logged('Starter listening')).url);
  // An answer comes only once it also listens to signals.
  await health(url, '/healthz');
  return { ...command, url };
}

/** A webhook about a user whom nobody else is. */
function eventAbout(id: string, updatedAtMs = T0, fields: Record<string, JsonValue> = {}): string {
  const data = clerkUser(id, updatedAtMs, fields);
  return JSON.stringify({
    type: 'user.updated',
    object: 'event',
    timestamp: updatedAtMs + 7,
    instance_id: 'ins_1',
    data,
  });
}

let deliveries = 0;
function deliver(url: string, body: string, headers?: Record<string, string>): Promise<Response> {
  return fetch(`${url}/webhooks/clerk`, {
    method: 'POST',
    headers: headers ?? sign(body, { svixId: `msg_${++deliveries}` }),
    body,
  });
}

const health = async (url: string, path: '/healthz' | '/readyz') => {
  const response = await fetch(url + path);
  return { status: response.status, body: await response.json() };
};

test('a signed webhook is answered 202 once its run exists and has the change', async () => {
  const starter = await startStarter();
  const id = newUserId();
  const response = await deliver(starter.url, eventAbout(id));
  expect(response.status).toBe(202);
  expect(await response.json()).toEqual({ outcome: 'accepted', workflowId: syncUserWorkflowId(id) });
  const { events } = await service.client.workflow.getHandle(syncUserWorkflowId(id)).fetchHistory();
  const [signalled] = (events ?? []).flatMap((event) => event.workflowExecutionSignaledEventAttributes ?? []);
  const [payload] = signalled?.input?.payloads ?? [];
  const changes = payload && defaultPayloadConverter.fromPayload<UserChange[]>(payload);
  expect(changes).toEqual([
    expect.objectContaining({
      kind: 'snapshot',
      clerkUserId: id,
      clerkUpdatedAtMs: T0,
      observedAtMs: T0 + 7,
    }),
  ]);
});

test('it sees to it that both schedules exist', async () => {
  const starter = await startStarter();
  await starter.logged('Schedules ensured');
  for (const scheduleId of [RECONCILE_SCHEDULE_ID, SWEEP_SCHEDULE_ID]) {
    const { action } = await service.client.schedule.getHandle(scheduleId).describe();
    expect(action.workflowType).toBe('reconcileUsers');
  }
});

describe('while Temporal', () => {
  afterEach(async () => {
    proxy.release();
    await proxy.cut();
    await proxy.restore();
  });

  test.each([
    ['refuses connections', () => proxy.cut()],
    ['takes connections and never answers', async () => proxy.hold()],
  ])(
    '%s, a webhook is answered 503 with Retry-After long before Svix gives up, and /readyz says so',
    async (_, cutOff) => {
      await cutOff();
      const starter = await startStarter();
      const startedMs = performance.now();
      const response = await deliver(starter.url, eventAbout(newUserId()));
      expect(performance.now() - startedMs).toBeLessThan(7_000);
      expect(response.status).toBe(503);
      expect(response.headers.get('retry-after')).toBe('5');
      expect(await response.json()).toMatchObject({ code: 'TEMPORAL_UNAVAILABLE' });
      expect(await health(starter.url, '/readyz')).toEqual({
        status: 503,
        body: { status: 'down', temporal: 'down', postgres: 'ok' },
      });
      expect(await health(starter.url, '/healthz')).toEqual({ status: 200, body: { status: 'ok' } });
    },
  );

  test('was away, deliveries are taken again soon after it came back, and the schedules are ensured', async () => {
    await proxy.cut();
    const starter = await startStarter();
    expect((await deliver(starter.url, eventAbout(newUserId()))).status).toBe(503);
    await proxy.restore();
    await waitUntil(async () => (await deliver(starter.url, eventAbout(newUserId()))).status === 202, {
      describe: 'a delivery to be taken',
      timeoutMs: 20_000,
    });
    await starter.logged('Schedules ensured');
    expect((await health(starter.url, '/readyz')).status).toBe(200);
  });

  test('goes away under a starter that runs, deliveries wait for at most 7 s, and are taken again once it is back', async () => {
    const starter = await startStarter();
    await starter.logged('Schedules ensured');
    proxy.hold();
    const startedMs = performance.now();
    const answers = await Promise.all([1, 2, 3].map(() => deliver(starter.url, eventAbout(newUserId()))));
    expect(answers.map(({ status }) => status)).toEqual([503, 503, 503]);
    expect(performance.now() - startedMs).toBeLessThan(7_000);
    proxy.release();
    expect((await deliver(starter.url, eventAbout(newUserId()))).status).toBe(202);
  });
});

test('while Postgres is down webhooks are taken all the same; only /readyz says what is missing', async () => {
  const starter = await startStarter();
  expect(await health(starter.url, '/readyz')).toEqual({
    status: 200,
    body: { status: 'ok', temporal: 'ok', postgres: 'ok' },
  });
  await service.database.goDown();
  try {
    expect((await deliver(starter.url, eventAbout(newUserId()))).status).toBe(202);
    expect(await health(starter.url, '/readyz')).toEqual({
      status: 503,
      body: { status: 'down', temporal: 'ok', postgres: 'down' },
    });
    expect((await health(starter.url, '/healthz')).status).toBe(200);
  } finally {
    await service.database.comeBack();
  }
  await waitUntil(async () => (await health(starter.url, '/readyz')).status === 200, {
    describe: 'readiness',
  });
});

describe('told to end', () => {
  afterEach(() => proxy.release());

  test('it answers what is in flight, refuses what is new, and exits with 0 soon', async () => {
    const starter = await startStarter();
    await starter.logged('Schedules ensured');
    proxy.hold();
    const id = newUserId();
    const answering = deliver(starter.url, eventAbout(id));
    await waitUntil(() => proxy.held() > 0, { describe: 'the delivery on its way to Temporal' });
    starter.signal('SIGTERM');
    await waitUntil(() => refused(starter.url), { describe: 'new connections to be refused' });
    proxy.release();
    const response = await answering;
    expect(response.status).toBe(202);
    const answeredMs = performance.now();
    expect(await starter.exited).toEqual({ code: 0, signal: null });
    expect(performance.now() - answeredMs).toBeLessThan(3_000);
    expect((await service.client.workflow.getHandle(syncUserWorkflowId(id)).describe()).status.name).toBe(
      'RUNNING',
    );
  });

  test.each(['SIGTERM', 'SIGINT'] as const)('idle, by %s, it exits with 0', async (name) => {
    const starter = await startStarter();
    starter.signal(name);
    expect(await starter.exited).toEqual({ code: 0, signal: null });
    expect(starter.logs().at(-1)).toMatchObject({ msg: 'Starter stopped' });
  });

  describe('while Temporal is away', () => {
    afterEach(() => proxy.restore());

    test('it exits with 0 soon, though the schedules are not ensured yet', async () => {
      await proxy.cut();
      const starter = await startStarter();
      const toldMs = performance.now();
      starter.signal('SIGTERM');
      expect(await starter.exited).toEqual({ code: 0, signal: null });
      expect(performance.now() - toldMs).toBeLessThan(3_000);
    });

    test('it exits with 0 soon after a delivery that Temporal did not take', async () => {
      const starter = await startStarter();
      await starter.logged('Schedules ensured');
      expect((await deliver(starter.url, eventAbout(newUserId()))).status).toBe(202);
      await proxy.cut();
      expect((await deliver(starter.url, eventAbout(newUserId()))).status).toBe(503);
      const toldMs = performance.now();
      starter.signal('SIGTERM');
      expect(await starter.exited).toEqual({ code: 0, signal: null });
      expect(performance.now() - toldMs).toBeLessThan(3_000);
    });
  });
});

test('settings that are missing or wrong end it with 1, every one named and none with its value', async () => {
  const command = runCommand('starter', {
    PORT: 'marker-port',
    CLERK_WEBHOOK_SIGNING_SECRET: 'whsec_marker-secret',
    SYNC_MODE: 'marker-mode',
    RECONCILE_INTERVAL_SECONDS: '-77777',
    CLERK_API_URL: 'marker://url',
    TEMPORAL_ADDRESS: proxy.address,
  });
  expect(await command.exited).toEqual({ code: 1, signal: null });
  for (const name of [
    'PORT',
    'CLERK_WEBHOOK_SIGNING_SECRET',
    'SYNC_MODE',
    'RECONCILE_INTERVAL_SECONDS',
    'CLERK_API_URL',
    'DATABASE_URL is missing',
  ]) {
    expect(command.output()).toContain(`- ${name}`);
  }
  expect(command.output()).not.toMatch(/marker|77777/);
  expect(command.output()).not.toMatch(/^ +at /m);
});

test('no log line holds an e-mail, a name or other data of a user, whatever becomes of the delivery', async () => {
  const starter = await startStarter({
    LOG_LEVEL: 'trace',
    WEBHOOK_MAX_BODY_BYTES: '20000',
    CLERK_INSTANCE_ID: 'ins_1',
  });
  const marked = {
    first_name: 'Marker',
    username: 'marker',
    email_addresses: [{ id: 'e', email_address: 'marker@example.com' }],
    primary_email_address_id: 'e',
    public_metadata: { secret: 'marker' },
  };
  const body = eventAbout(newUserId(), T0, marked);
  const statuses: number[] = [];
  const post = async (text: string, headers?: Record<string, string>) => {
    statuses.push((await deliver(starter.url, text, headers)).status);
  };
  await post(body);
  await post(body, { ...sign(body), 'svix-signature': 'v1,marker' });
  await post(body.replace('"created_at":1700000000000', '"created_at":"marker"'));
  await post(body.replace('ins_1', 'ins_2'));
  await post(body.replace('"user.updated"', '"organization.created"'));
  await post(`${body} marker`);
  await post(eventAbout(newUserId(), T0, { ...marked, public_metadata: { secret: 'marker'.repeat(5_000) } }));
  proxy.hold();
  await post(body);
  proxy.release();
  expect(statuses).toEqual([202, 400, 422, 422, 200, 422, 413, 503]);
  const messages = starter
    .logs()
    .filter(({ msg }) => msg === 'Webhook received' || msg === 'Webhook rejected');
  await waitUntil(() => starter.logs().filter(({ msg }) => msg?.startsWith('Webhook')).length === 8, {
    describe: () => messages,
  });
  expect(starter.output()).not.toMatch(/marker/i);
});

test('300 deliveries of one user at once are all taken within 5 s, many to a signal, and stall no workflow task', async () => {
  await service.startWorker();
  try {
    const starter = await startStarter();
    const id = newUserId();
    const startedMs = performance.now();
    const answers = await Promise.all(
      Array.from({ length: 300 }, (_, n) =>
        deliver(starter.url, eventAbout(id, T0 + n, { first_name: `Name ${n}` })),
      ),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
    expect(performance.now() - startedMs).toBeLessThan(5_000);
    const handle = service.client.workflow.getHandle(syncUserWorkflowId(id));
    await waitUntil(
      async () => (await service.db.user.findUnique({ where: { clerkId: id } }))?.firstName === 'Name 299',
      { describe: 'the newest of 300 changes in the table' },
    );
    expect(await handle.query('status')).toMatchObject({ received: 300 });
    const { EVENT_TYPE_WORKFLOW_TASK_FAILED, EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED } =
      temporal.api.enums.v1.EventType;
    const events = (await handle.fetchHistory()).events ?? [];
    const ofType = (type: number) => events.filter(({ eventType }) => eventType === type);
    expect(ofType(EVENT_TYPE_WORKFLOW_TASK_FAILED)).toEqual([]);
    expect(ofType(EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED).length).toBeLessThan(50);
  } finally {
    await service.stopWorker();
  }
});

async function refused(url: string): Promise<boolean> {
  try {
    await (await fetch(`${url}/healthz`, { headers: { connection: 'close' } })).text();
    return false;
  } catch {
    return true;
  }
}
