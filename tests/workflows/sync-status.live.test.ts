import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Connection } from '@temporalio/client';
import { SYNC_TASK_QUEUE, syncUserWorkflowId } from '../../src/names.js';
import type { UserChange } from '../../src/user-change.js';
import { syncUser } from '../../src/workflows/sync-user.js';
import { retry, status, userChanged } from '../../src/workflows/sync-user-messages.js';
import { snapshotChange } from '../support/clerk-user.js';
import { fromSetUp } from '../support/from-set-up.js';
import { registerSyncStatus } from '../support/test-namespace.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { waitUntil } from '../support/wait-until.js';

const T0 = 1_750_000_000_000;
let service: TestService;

beforeAll(async () => {
  service = await startTestService({ syncStatus: false });
  await service.db.$executeRaw`CREATE UNIQUE INDEX own_unique_name ON users (username)`;
  await service.startWorker();
});
afterAll(() => service.stop());

const signal = (clerkUserId: string, changes: UserChange[]) =>
  service.client.workflow.signalWithStart(syncUser, {
    workflowId: syncUserWorkflowId(clerkUserId),
    taskQueue: SYNC_TASK_QUEUE,
    args: [{ clerkUserId, lingerMs: 60_000 }],
    signal: userChanged,
    signalArgs: [changes],
  });

async function found(value: 'parked' | 'ok'): Promise<string[]> {
  const ids: string[] = [];
  const query = `SyncStatus = '${value}'`;
  for await (const { workflowId } of service.client.workflow.list({ query })) ids.push(workflowId);
  return ids;
}

test('a run that parked while SyncStatus was not registered is found by it once it is, and not parked for that', async () => {
  const [owner, id] = ['user_owner', 'user_second'];
  await signal(owner, [snapshotChange(owner, T0, { username: 'taken' })]);
  await waitUntil(() => service.db.user.findUnique({ where: { clerkId: owner } }));
  const handle = await signal(id, [snapshotChange(id, T0, { username: 'taken' })]);
  await waitUntil(() => service.db.syncFailure.findUnique({ where: { clerkId: id } }), {
    describe: 'a row in sync_failures',
  });
  expect(await handle.query(status)).toMatchObject({ state: 'parked' });
  const connection = await Connection.connect({ address: fromSetUp('TEST_TEMPORAL_ADDRESS') });
  try {
    await registerSyncStatus(connection, service.namespace);
  } finally {
    await connection.close();
  }
  await waitUntil(async () => (await found('parked')).includes(handle.workflowId), {
    describe: 'the parked run in a search',
    timeoutMs: 60_000,
  });
  expect(await handle.query(status)).toMatchObject({ state: 'parked', received: 1, applied: 0 });
  await service.db.user.update({ where: { clerkId: owner }, data: { username: null } });
  await handle.signal(retry);
  await waitUntil(async () => (await found('ok')).includes(handle.workflowId), {
    describe: 'the cured run in a search',
    timeoutMs: 30_000,
  });
}, 120_000);
