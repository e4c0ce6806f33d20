import { once } from 'node:events';
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { SYNC_TASK_QUEUE, syncUserWorkflowId } from '../../src/names.js';
import { reconcileUsers } from '../../src/workflows/reconcile-users.js';
import { syncUser } from '../../src/workflows/sync-user.js';
import { userChanged } from '../../src/workflows/sync-user-messages.js';
import { snapshotChange } from '../support/clerk-user.js';
import { fromSetUp } from '../support/from-set-up.js';
import { LONG_TRANSACTION } from '../support/long-transaction.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { waitUntil } from '../support/wait-until.js';
import { clockAhead } from './clock-ahead.js';
import { endCommands, type RunningCommand, runCommand } from './run-command.js';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.js';

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.stop());
afterEach(endCommands);

const settings = () => ({
  DATABASE_URL: service.database.url,
  CLERK_SECRET_KEY: service.standIn.secretKey,
  CLERK_API_URL: service.standIn.url,
  TEMPORAL_ADDRESS: fromSetUp('TEST_TEMPORAL_ADDRESS'),
  TEMPORAL_NAMESPACE: service.namespace,
});

async function startWorker(): Promise<RunningCommand> {
  const worker = runCommand('worker', settings());
  await worker.logged('Worker running');
  return worker;
}

const signal = (id: string) =>
  service.client.workflow.signalWithStart(syncUser, {
    workflowId: syncUserWorkflowId(id),
    taskQueue: SYNC_TASK_QUEUE,
    args: [{ clerkUserId: id, lingerMs: 60_000 }],
    signal: userChanged,
    signalArgs: [[snapshotChange(id, 1_750_000_000_000)]],
  });
const rows = (clerkId: string) => service.db.user.count({ where: { clerkId } });

test('on a machine whose clock is ten minutes ahead it says so, of Postgres and of Clerk, and its reconciles end by the right time', async () => {
  const worker = runCommand('worker', { ...settings(), ...clockAhead(600_000) });
  await worker.logged('Worker running');
  const { runId } = await service.client.workflow
    .start(reconcileUsers, {
      workflowId: 'by-hand',
      taskQueue: SYNC_TASK_QUEUE,
      args: [{ kind: 'sweep' }],
    })
    .then(async (handle) => {
      await handle.result();
      return { runId: handle.firstExecutionRunId };
    });
  const run = await service.db.reconcileRun.findUniqueOrThrow({ where: { id: `by-hand/${runId}` } });
  expect(run.finishedAt?.getTime()).toBeLessThan(Date.now() + 60_000);
  expect(run.clockAheadSeconds).toBeGreaterThan(540);
  const off = () => worker.logs().filter(({ msg }) => msg?.startsWith("This machine's clock is off"));
  await waitUntil(() => off().length === 2, { describe: worker.output });
  expect(
    off()
      .map(({ other }) => other)
      .sort(),
  ).toEqual(['Clerk', 'Postgres']);
  for (const { aheadSeconds } of off()) expect(aheadSeconds).toBeGreaterThan(540);
  worker.signal('SIGTERM');
  await worker.exited;
});

test('told to end amid a change, it finishes that change and exits with 0', async () => {
  const worker = await startWorker();
  await service.db.$transaction(async (transaction) => {
    await transaction.$executeRaw`LOCK TABLE users`;
    await signal('user_worker1');
    await waitUntil(
      async () => {
        const waiting = await service.db.$queryRaw<unknown[]>`
          SELECT pid FROM pg_locks JOIN pg_stat_activity USING (pid)
          WHERE NOT granted AND datname = current_database() AND query LIKE '%WITH incoming%'`;
        return waiting.length > 0;
      },
      // What a worker looks at when it starts waits for the table as well.
      { describe: 'a write that waits' },
    );
    const states = () => worker.logs().filter(({ msg }) => msg === 'Worker state changed').length;
    const statesBefore = states();
    worker.signal('SIGTERM');
    await waitUntil(() => states() > statesBefore, { describe: worker.output });
  }, LONG_TRANSACTION);
  expect(await worker.exited).toEqual({ code: 0, signal: null });
  expect(await rows('user_worker1')).toBe(1);
  // Not the last line for sure: the SDK holds its own back for a moment.
  expect(worker.logs().map(({ msg }) => msg)).toContain('Worker stopped');
});

test('idle, it exits with 0 when told to end', async () => {
  const worker = await startWorker();
  worker.signal('SIGINT');
  expect(await worker.exited).toEqual({ code: 0, signal: null });
});

test('started while Postgres is down, it works as soon as Postgres is back', async () => {
  await service.database.goDown();
  let worker: RunningCommand;
  try {
    worker = await startWorker();
    await signal('user_worker2');
    const told = () =>
      worker.logs().find(({ code, activityType }) => code === 'POSTGRES_UNAVAILABLE' && activityType);
    await waitUntil(told, { describe: worker.output, timeoutMs: 30_000 });
    expect(told()?.detail).toMatch(/Writing 1 user.*SQLSTATE 5\w{4}: the (database takes no|server ended)/);
  } finally {
    await service.database.comeBack();
  }
  await waitUntil(async () => (await rows('user_worker2')) === 1, { describe: worker.output });
});

describe('while Temporal is away', () => {
  let proxy: TcpProxy;
  beforeEach(async () => {
    proxy = await startTcpProxy(fromSetUp('TEST_TEMPORAL_ADDRESS'));
  });
  afterEach(() => proxy.close());
  const startWaiting = () => runCommand('worker', { ...settings(), TEMPORAL_ADDRESS: proxy.address });
  const waiting = (worker: RunningCommand) => worker.logged('Waiting for Temporal');

  test('it waits, says where and for what, and works once Temporal is there', async () => {
    await proxy.cut();
    const worker = startWaiting();
    expect(await waiting(worker)).toMatchObject({
      code: 'TEMPORAL_UNAVAILABLE',
      detail: `Temporal at ${proxy.address} (namespace ${service.namespace}) does not answer. Start it, or set TEMPORAL_ADDRESS.`,
    });
    await proxy.restore();
    await worker.logged('Worker running');
    expect(worker.logs().filter(({ msg }) => msg === 'Waiting for Temporal')).toHaveLength(1);
    await signal('user_worker3');
    await waitUntil(async () => (await rows('user_worker3')) === 1, { describe: worker.output });
  });

  test.each(['SIGTERM', 'SIGINT'] as const)('told to end by %s, it exits with 0', async (name) => {
    await proxy.cut();
    const worker = startWaiting();
    await waiting(worker);
    worker.signal(name);
    expect(await worker.exited).toEqual({ code: 0, signal: null });
  });

  test('told to end while a connection hangs, it exits with 0', async () => {
    proxy.hold();
    const worker = startWaiting();
    await waiting(worker);
    worker.signal('SIGTERM');
    expect(await worker.exited).toEqual({ code: 0, signal: null });
  });
});

describe('where Temporal refuses it', () => {
  test('its credentials, it exits with 1 and names the settings', async () => {
    const temporal = createServer();
    temporal.on('stream', (stream) => {
      const refusal = { 'grpc-status': '16', 'grpc-message': 'Request unauthorized.' };
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...refusal }, { endStream: true });
    });
    temporal.listen(0, '127.0.0.1');
    await once(temporal, 'listening');
    try {
      const { port } = temporal.address() as AddressInfo;
      const worker = runCommand('worker', { ...settings(), TEMPORAL_ADDRESS: `127.0.0.1:${port}` });
      expect(await worker.exited).toEqual({ code: 1, signal: null });
      expect(worker.output()).toMatch(/does not accept the credentials.*TEMPORAL_API_KEY/);
    } finally {
      temporal.close();
    }
  });

  test('TLS, it exits with 1 and names the setting', async () => {
    const worker = runCommand('worker', { ...settings(), TEMPORAL_TLS: 'true' });
    expect(await worker.exited).toEqual({ code: 1, signal: null });
    expect(worker.output()).toMatch(/does not speak TLS.*TEMPORAL_TLS/);
  });
});

test('in a namespace that is not there it exits with 1 and names it', async () => {
  const worker = runCommand('worker', { ...settings(), TEMPORAL_NAMESPACE: 'no-such-namespace' });
  expect(await worker.exited).toEqual({ code: 1, signal: null });
  expect(worker.output()).toMatch(/namespace no-such-namespace\) does not have the namespace/);
});

test('without its settings it exits with 1 and names them all', async () => {
  const worker = runCommand('worker', { SYNC_MODE: 'other' });
  expect(await worker.exited).toEqual({ code: 1, signal: null });
  for (const name of ['CLERK_SECRET_KEY', 'DATABASE_URL', 'SYNC_MODE'])
    expect(worker.output()).toContain(name);
});
