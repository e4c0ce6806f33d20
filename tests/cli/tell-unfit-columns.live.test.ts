import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { SYNC_TASK_QUEUE, syncUserWorkflowId } from '../../src/names.js';
import { syncUser } from '../../src/workflows/sync-user.js';
import { userChanged } from '../../src/workflows/sync-user-messages.js';
import { snapshotChange } from '../support/clerk-user.js';
import { fromSetUp } from '../support/from-set-up.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { waitUntil } from '../support/wait-until.js';
import { endCommands, runCommand } from './run-command.js';

let service: TestService;
let folder: string;
beforeAll(async () => {
  service = await startTestService();
  folder = mkdtempSync(path.join(tmpdir(), 'clerk-sync-mapping-'));
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await service.stop();
});
afterEach(endCommands);

function startWorker() {
  const built = pathToFileURL(path.resolve('dist')).href;
  const file = path.join(folder, 'clerk-sync.config.mjs');
  writeFileSync(
    file,
    `import { defineClerkSync } from '${built}/clerk-sync-config.js';
import { defineUserMapping } from '${built}/user-mapping.js';
export default defineClerkSync({
  mapping: defineUserMapping({ plan: { type: 'text', from: (user) => user.public_metadata.plan } }),
});`,
  );
  return runCommand('worker', {
    CLERK_SYNC_CONFIG: file,
    DATABASE_URL: service.database.url,
    CLERK_SECRET_KEY: service.standIn.secretKey,
    CLERK_API_URL: service.standIn.url,
    TEMPORAL_ADDRESS: fromSetUp('TEST_TEMPORAL_ADDRESS'),
    TEMPORAL_NAMESPACE: service.namespace,
  });
}

test('a worker tells at its start which mapped column is missing; what waits goes through once it is there', async () => {
  const worker = startWorker();
  expect(await worker.logged('A mapped column cannot be written')).toMatchObject({
    code: 'SCHEMA_MISSING',
    problem: expect.stringContaining('users has no column plan'),
  });
  await worker.logged('Worker running');
  await service.client.workflow.signalWithStart(syncUser, {
    workflowId: syncUserWorkflowId('user_planned'),
    taskQueue: SYNC_TASK_QUEUE,
    args: [{ clerkUserId: 'user_planned', lingerMs: 60_000 }],
    signal: userChanged,
    signalArgs: [[snapshotChange('user_planned', 1_750_000_000_000, { public_metadata: { plan: 'pro' } })]],
  });
  const failed = () => worker.logs().some(({ code, workflowId }) => code === 'SCHEMA_MISSING' && workflowId);
  await waitUntil(failed, { describe: worker.output });
  await service.db.$executeRaw`ALTER TABLE users ADD COLUMN plan text`;
  await waitUntil(
    async () => {
      const [row] = await service.db.$queryRaw<{ plan: string }[]>`SELECT plan FROM users`;
      return row?.plan === 'pro';
    },
    { describe: worker.output },
  );
});

test('a worker that started while Postgres was down looks as soon as it is back', async () => {
  await service.db.$executeRaw`ALTER TABLE users DROP COLUMN IF EXISTS plan`;
  await service.database.goDown();
  try {
    const worker = startWorker();
    await worker.logged('Worker running');
    await worker.logged('Waiting for Postgres');
    await service.database.comeBack();
    await worker.logged('A mapped column cannot be written');
  } finally {
    await service.database.comeBack();
  }
});

test('a worker whose configuration cannot be loaded exits with 1 and says why', async () => {
  const worker = runCommand('worker', {
    CLERK_SYNC_CONFIG: path.join(folder, 'nowhere.mjs'),
    DATABASE_URL: service.database.url,
    CLERK_SECRET_KEY: service.standIn.secretKey,
  });
  expect(await worker.exited).toEqual({ code: 1, signal: null });
  expect(worker.output()).toContain('CLERK_SYNC_CONFIG=');
});
