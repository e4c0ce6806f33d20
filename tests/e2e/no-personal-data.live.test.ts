import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { endCommands, type RunningCommand, runCommand } from '../cli/run-command.js';
import { SECRET } from '../starter/start-test-starter.js';
import { fromSetUp } from '../support/from-set-up.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { waitUntil } from '../support/wait-until.js';

const USERS = 20;
/** So many share a last name, of which the application allows one. */
const NAMESAKES = 10;
/** All namesakes but the first, and one whose user name is not allowed. */
const REFUSED = 10;
let service: TestService;

beforeAll(async () => {
  service = await startTestService({ standIn: { rateLimit: null } });
  await service.db.$executeRaw`CREATE UNIQUE INDEX own_unique_name ON users (last_name)`;
  // Of a row that a CHECK refuses, Postgres tells every value.
  await service.db.$executeRaw`ALTER TABLE users ADD CONSTRAINT own_check CHECK (username <> 'marker19')`;
});
afterAll(() => service.stop());
afterEach(endCommands);

/** Every setting of both processes, as talkative as they can be. */
const settings = () => ({
  PORT: '0',
  HOST: '127.0.0.1',
  LOG_LEVEL: 'trace',
  DATABASE_URL: service.database.url,
  CLERK_SECRET_KEY: service.standIn.secretKey,
  CLERK_API_URL: service.standIn.url,
  CLERK_WEBHOOK_SIGNING_SECRET: SECRET,
  TEMPORAL_ADDRESS: fromSetUp('TEST_TEMPORAL_ADDRESS'),
  TEMPORAL_NAMESPACE: service.namespace,
  RECONCILE_INTERVAL_SECONDS: '1',
  RECONCILE_REQUESTS_PER_SECOND: '100',
});

const logsCode = (command: RunningCommand, code: string) =>
  waitUntil(() => command.logs().some((line) => line.code === code), {
    describe: () => `a log line with ${code}, among those with ${command.logs().map((line) => line.code)}`,
  });

test('through refused rows, an outage of Postgres and errors of Clerk no log line of either process names a user', async () => {
  const { users, webhooks } = service.standIn;
  const worker = runCommand('worker', settings());
  const starter = runCommand('starter', settings());
  const { url } = await starter.logged('Starter listening');
  await worker.logged('Worker running');
  webhooks.settings.endpoints = [{ url: `${String(url)}/webhooks/clerk`, signingSecret: SECRET }];

  const ids = Array.from({ length: USERS }, (_, i) => {
    const created = users.createUser({
      first_name: 'Marker',
      last_name: i < NAMESAKES ? 'Marker' : `Marker ${i}`,
      username: `marker${i}`,
      email_address: [`marker${i}@example.com`],
      public_metadata: { marker: 'marker' },
    });
    return created.id;
  });
  await waitUntil(async () => (await service.db.syncFailure.count()) === REFUSED, {
    progress: () => service.db.syncFailure.count(),
    describe: async () => ({
      failures: await service.db.syncFailure.count(),
      rows: await service.db.user.count(),
    }),
  });
  await logsCode(worker, 'ROW_REJECTED');

  await service.database.goDown();
  try {
    for (const id of ids) users.updateUser(id, { first_name: 'Marker again' });
    await logsCode(worker, 'POSTGRES_UNAVAILABLE');
    expect(await pendingFailures('POSTGRES_UNAVAILABLE')).not.toMatch(/marker/i);
  } finally {
    await service.database.comeBack();
  }

  const person = {
    errors: [{ code: 'form_invalid', message: 'marker0@example.com', long_message: 'Marker' }],
  };
  const clear = service.standIn.failWith({
    kind: 'status',
    status: 400,
    body: person,
    pathPrefix: '/v1/users',
  });
  await logsCode(worker, 'CLERK_REQUEST_REFUSED');
  expect(await pendingFailures('CLERK_REQUEST_REFUSED')).not.toMatch(/marker/i);
  clear();

  const forged = await fetch(`${String(url)}/webhooks/clerk`, {
    method: 'POST',
    body: '{"email": "marker0@example.com"}',
  });
  expect(forged.status).toBe(400);
  await logsCode(starter, 'SIGNATURE_INVALID');
  await waitUntil(
    async () => (await service.db.user.count({ where: { firstName: 'Marker again' } })) === USERS - REFUSED,
    { describe: 'the changes of the outage in the table' },
  );

  for (const command of [starter, worker]) {
    command.signal('SIGTERM');
    expect(await command.exited).toEqual({ code: 0, signal: null });
    expect(command.output()).not.toMatch(/marker/i);
  }
  // What an operator reads of failures in the database and in Temporal's Web UI.
  expect(JSON.stringify(await service.db.syncFailure.findMany())).not.toMatch(/marker/i);
  expect(await failureTexts()).not.toMatch(/marker/i);
});

/** What the Web UI shows of activities that are tried again, as JSON. */
async function pendingFailures(code: string): Promise<string> {
  return waitUntil(
    async () => {
      const failures: unknown[] = [];
      for await (const { workflowId } of service.client.workflow.list({
        query: "ExecutionStatus = 'Running'",
      })) {
        const { raw } = await service.client.workflow.getHandle(workflowId).describe();
        failures.push(...(raw.pendingActivities ?? []).map(({ lastFailure }) => lastFailure));
      }
      const text = JSON.stringify(failures);
      return text.includes(code) && text;
    },
    { describe: `a pending activity that failed with ${code}` },
  ).then(String);
}

/** Every failure in every run's history, as JSON. */
async function failureTexts(): Promise<string> {
  const failures: unknown[] = [];
  for await (const { workflowId, runId } of service.client.workflow.list()) {
    const { events } = await service.client.workflow.getHandle(workflowId, runId).fetchHistory();
    for (const event of events ?? [])
      failures.push(
        event.activityTaskFailedEventAttributes?.failure,
        event.activityTaskStartedEventAttributes?.lastFailure,
      );
  }
  const found = failures.filter((failure) => failure);
  expect(found.length).toBeGreaterThanOrEqual(REFUSED);
  return JSON.stringify(found);
}
