import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { defaultPayloadConverter } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import { RECONCILE_SCHEDULE_ID, SWEEP_SCHEDULE_ID, syncUserWorkflowId } from '../../src/names.js';
import type { UserChange } from '../../src/user-change.js';
import { endCommands } from '../cli/run-command.js';
import {
  deliver,
  eventAbout,
  health,
  type StarterSurroundings,
  startSurroundings,
  T0,
} from '../cli/starter-process.js';
import { waitUntil } from '../support/wait-until.js';
import { sign } from './start-test-starter.js';

/** The longest wait for an answer, of which a third is the starter's own for Temporal. */
const SVIX_GIVES_UP_MS = 15_000;
let surroundings: StarterSurroundings;
let users = 0;
const newUserId = () => `user_starter${++users}`;

beforeAll(async () => {
  surroundings = await startSurroundings();
});
afterAll(() => surroundings.stop());
afterEach(endCommands);

/** As Svix does it: what is answered 503 is delivered again. Nothing else may be answered. */
const untilTaken = (url: string, body: string) =>
  waitUntil(
    async () => {
      const { status } = await deliver(url, body);
      if (status !== 503) expect(status).toBe(202);
      return status === 202;
    },
    { describe: 'a delivery to be taken' },
  );

test('a signed webhook is answered 202 once its run exists and has the change', async () => {
  const starter = await surroundings.startStarter();
  const id = newUserId();
  const response = await deliver(starter.url, eventAbout(id));
  expect(response.status).toBe(202);
  expect(await response.json()).toEqual({ outcome: 'accepted', workflowId: syncUserWorkflowId(id) });
  const { events } = await surroundings.service.client.workflow
    .getHandle(syncUserWorkflowId(id))
    .fetchHistory();
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
  const starter = await surroundings.startStarter();
  await starter.logged('Schedules ensured');
  for (const scheduleId of [RECONCILE_SCHEDULE_ID, SWEEP_SCHEDULE_ID]) {
    const { action } = await surroundings.service.client.schedule.getHandle(scheduleId).describe();
    expect(action.workflowType).toBe('reconcileUsers');
  }
});

describe('while Temporal', () => {
  afterEach(async () => {
    surroundings.proxy.release();
    await surroundings.proxy.cut();
    await surroundings.proxy.restore();
  });

  test.each([
    ['refuses connections', () => surroundings.proxy.cut()],
    ['takes connections and never answers', async () => surroundings.proxy.hold()],
  ])(
    '%s, a webhook is answered 503 with Retry-After before Svix gives up, and /readyz says so',
    async (_, cutOff) => {
      await cutOff();
      const starter = await surroundings.startStarter();
      const startedMs = performance.now();
      const response = await deliver(starter.url, eventAbout(newUserId()));
      expect(performance.now() - startedMs).toBeLessThan(SVIX_GIVES_UP_MS);
      expect(response.status).toBe(503);
      expect(response.headers.get('retry-after')).toBe('5');
      expect(await response.json()).toMatchObject({ code: 'TEMPORAL_UNAVAILABLE' });
      await untilReadyzSays(starter.url, { status: 'down', temporal: 'down', postgres: 'ok' });
      expect(await health(starter.url, '/healthz')).toEqual({ status: 200, body: { status: 'ok' } });
    },
  );

  test('was away, deliveries are taken again soon after it came back, and the schedules are ensured', async () => {
    await surroundings.proxy.cut();
    const starter = await surroundings.startStarter();
    expect((await deliver(starter.url, eventAbout(newUserId()))).status).toBe(503);
    await surroundings.proxy.restore();
    await untilTaken(starter.url, eventAbout(newUserId()));
    await starter.logged('Schedules ensured');
    await untilReady(starter.url);
  });

  test('goes away under a starter that runs, deliveries are answered before Svix gives up, and are taken again once it is back', async () => {
    const starter = await surroundings.startStarter();
    await starter.logged('Schedules ensured');
    surroundings.proxy.hold();
    const startedMs = performance.now();
    const answers = await Promise.all([1, 2, 3].map(() => deliver(starter.url, eventAbout(newUserId()))));
    expect(answers.map(({ status }) => status)).toEqual([503, 503, 503]);
    expect(performance.now() - startedMs).toBeLessThan(SVIX_GIVES_UP_MS);
    surroundings.proxy.release();
    await untilTaken(starter.url, eventAbout(newUserId()));
  });
});

/** A busy machine may take longer than the check waits, which then says "down". */
const untilReadyzSays = (
  url: string,
  body: { status: 'ok' | 'down'; temporal: string; postgres: string; code?: string },
) =>
  waitUntil(
    async () => {
      expect(await health(url, '/readyz')).toEqual({ status: body.status === 'ok' ? 200 : 503, body });
      return true;
    },
    { describe: `/readyz: ${JSON.stringify(body)}` },
  );
const untilReady = (url: string) => untilReadyzSays(url, { status: 'ok', temporal: 'ok', postgres: 'ok' });

test('while Postgres is down webhooks are taken all the same; only /readyz says what is missing', async () => {
  const starter = await surroundings.startStarter();
  await untilReady(starter.url);
  await surroundings.service.database.goDown();
  try {
    await untilTaken(starter.url, eventAbout(newUserId()));
    await untilReadyzSays(starter.url, {
      status: 'down',
      temporal: 'ok',
      postgres: 'down',
      code: 'POSTGRES_UNAVAILABLE',
    });
    expect((await health(starter.url, '/healthz')).status).toBe(200);
  } finally {
    await surroundings.service.database.comeBack();
  }
  await untilReady(starter.url);
});

test('/metrics reads the table, and answers without it while Postgres is down', async () => {
  const starter = await surroundings.startStarter();
  const metrics = async () => (await fetch(`${starter.url}/metrics`)).text();
  // A scrape does not wait for a slow Postgres.
  await waitUntil(async () => (await metrics()).includes('\nclerk_sync_failures_unresolved 0\n'), {
    describe: metrics,
  });
  await surroundings.service.database.goDown();
  try {
    const text = await metrics();
    expect(text).toMatch(/^clerk_sync_postgres_up 0$/m);
    expect(text).not.toMatch(/^clerk_sync_failures_unresolved /m);
  } finally {
    await surroundings.service.database.comeBack();
  }
  await waitUntil(async () => (await metrics()).includes('\nclerk_sync_postgres_up 1\n'), {
    describe: metrics,
  });
});

test('no log line holds an e-mail, a name or other data of a user, whatever becomes of the delivery', async () => {
  const starter = await surroundings.startStarter({
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
  await post(body.replace(/"id":"user_\w+"/, '"id":"marker"'));
  await post(body.replace('ins_1', 'ins_2'));
  await post(body.replace('"user.updated"', '"organization.created"'));
  await post(`${body} marker`);
  await post(eventAbout(newUserId(), T0, { ...marked, public_metadata: { secret: 'marker'.repeat(5_000) } }));
  surroundings.proxy.hold();
  await post(body);
  surroundings.proxy.release();
  expect(statuses).toEqual([202, 400, 202, 422, 422, 200, 422, 413, 503]);
  const messages = starter
    .logs()
    .filter(({ msg }) => msg === 'Webhook received' || msg === 'Webhook rejected');
  await waitUntil(() => starter.logs().filter(({ msg }) => msg?.startsWith('Webhook')).length === 9, {
    describe: () => messages,
  });
  expect(starter.output()).not.toMatch(/marker/i);
});

test('300 deliveries of one user at once are all taken, many to a signal, and stall no workflow task', async () => {
  await surroundings.service.startWorker();
  try {
    const starter = await surroundings.startStarter();
    const id = newUserId();
    await Promise.all(
      Array.from({ length: 300 }, (_, n) =>
        untilTaken(starter.url, eventAbout(id, T0 + n, { first_name: `Name ${n}` })),
      ),
    );
    const handle = surroundings.service.client.workflow.getHandle(syncUserWorkflowId(id));
    await waitUntil(
      async () =>
        (await surroundings.service.db.user.findUnique({ where: { clerkId: id } }))?.firstName === 'Name 299',
      { describe: 'the newest of 300 changes in the table' },
    );
    expect((await handle.query<{ received: number }>('status')).received).toBeGreaterThanOrEqual(300);
    const { EVENT_TYPE_WORKFLOW_TASK_FAILED, EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED } =
      temporal.api.enums.v1.EventType;
    const events = (await handle.fetchHistory()).events ?? [];
    const ofType = (type: number) => events.filter(({ eventType }) => eventType === type);
    expect(ofType(EVENT_TYPE_WORKFLOW_TASK_FAILED)).toEqual([]);
    expect(ofType(EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED).length).toBeLessThan(50);
  } finally {
    await surroundings.service.stopWorker();
  }
});
