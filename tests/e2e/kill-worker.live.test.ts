import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { toUserSnapshot } from '../../src/clerk/to-user-snapshot.js';
import { createUserSignaler } from '../../src/starter/signal-user.js';
import type { JsonObject } from '../../src/user-change.js';
import { SECRET, startTestStarter, type TestStarter } from '../starter/start-test-starter.js';
import { fromSetUp } from '../support/from-set-up.js';
import { createPostgresGate, PASS_GATE, type PostgresGate } from '../support/postgres-gate.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { waitUntil } from '../support/wait-until.js';

const USERS = 500;
/** Of so many users one is held up before its row is written, so that the worker dies amid them. */
const HELD_UP = 50;
let service: TestService;
let starter: TestStarter;
let gate: PostgresGate;
const workers: ChildProcess[] = [];

beforeAll(async () => {
  service = await startTestService({ standIn: { rateLimit: null } });
  const { client } = service;
  // The real starter and signaler; no schedule is ensured, so that nothing but webhooks can write a row.
  starter = await startTestStarter({
    signalUser: createUserSignaler({
      client,
      lingerMs: 1_000,
      deadlineMs: 300_000,
    }),
  });
  service.standIn.webhooks.settings.endpoints = [
    { url: `${starter.url}/webhooks/clerk`, signingSecret: SECRET },
  ];
  // Or a delivery that a busy machine answers late would be sent again.
  service.standIn.webhooks.settings.timeoutMs = 300_000;
  gate = await createPostgresGate(service.database.url);
  await service.db.$executeRawUnsafe(`CREATE FUNCTION pass_gate() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM ${PASS_GATE}; RETURN NEW; END $$`);
  await service.db.$executeRaw`CREATE TRIGGER held_up BEFORE INSERT ON users
    FOR EACH ROW WHEN (NEW.last_name = 'Held up') EXECUTE FUNCTION pass_gate()`;
});
afterAll(async () => {
  for (const worker of workers) worker.kill('SIGKILL');
  await gate.close();
  await starter.stop();
  await service.stop();
});

/** The worker as operators run it. */
function startWorkerProcess(): ChildProcess {
  const worker = spawn(process.execPath, ['dist/cli/main.js', 'worker'], {
    env: {
      DATABASE_URL: service.database.url,
      CLERK_SECRET_KEY: service.standIn.secretKey,
      CLERK_API_URL: service.standIn.url,
      TEMPORAL_ADDRESS: fromSetUp('TEST_TEMPORAL_ADDRESS'),
      TEMPORAL_NAMESPACE: service.namespace,
      LOG_LEVEL: 'error',
    },
    stdio: 'ignore',
  });
  workers.push(worker);
  return worker;
}

test(`a worker killed amid ${USERS} webhooks and started again: every row is right, without a reconcile`, async () => {
  const rows = () => service.db.user.count();
  await gate.shut();
  const first = startWorkerProcess();
  for (let i = 0; i < USERS; i++) {
    service.standIn.users.createUser({
      first_name: `Name ${i}`,
      last_name: i % HELD_UP === HELD_UP - 1 ? 'Held up' : 'Let through',
      email_address: [`user${i}@example.com`],
    });
  }
  await waitUntil(async () => (await rows()) > 0, { describe: 'the first row' });
  await gate.untilOneWaits(rows);
  const killed = once(first, 'exit');
  first.kill('SIGKILL');
  await killed;
  expect(await rows()).toBeLessThan(USERS);
  await gate.open();

  startWorkerProcess();
  await service.standIn.webhooks.idle();
  expect(await starter.deliveries()).toEqual({ accepted: USERS });
  await waitUntil(async () => (await rows()) === USERS, { describe: rows, progress: rows });

  const stored = new Map((await service.db.user.findMany()).map((row) => [row.clerkId, row]));
  for (const id of service.standIn.users.ids()) {
    const user = JSON.parse(JSON.stringify(service.standIn.users.get(id))) as JsonObject;
    const wanted = toUserSnapshot(user, { observedAtMs: 0, observedVia: 'api', keepPrivateMetadata: false });
    expect(stored.get(id)).toMatchObject({
      ...wanted.columns,
      contentHash: wanted.contentHash,
      clerkUpdatedAt: new Date(wanted.clerkUpdatedAtMs),
      syncedBy: 'webhook',
      deletedAt: null,
    });
  }
  expect(await service.db.reconcileRun.count()).toBe(0);
  expect(await service.db.userChange.count()).toBe(USERS);
}, 900_000);
