import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { SYNC_TASK_QUEUE, syncUserWorkflowId } from '../../src/names.js';
import { syncUser } from '../../src/workflows/sync-user.js';
import { userChanged } from '../../src/workflows/sync-user-messages.js';
import { endCommands, runCommand } from '../cli/run-command.js';
import { snapshotChange } from '../support/clerk-user.js';
import { fromSetUp } from '../support/from-set-up.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { waitUntil } from '../support/wait-until.js';

const USERS = 400;
/** Rows at which the worker is frozen: each time amid work. */
const FREEZE_AT = [60, 140, 220];
/** Longer than the 5 s that the SDK gives workflow code by default. */
const FROZEN_MS = 6_000;

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
});
afterAll(async () => {
  await endCommands();
  await service.stop();
});

test(`a worker that stood still ${FREEZE_AT.length} times for ${FROZEN_MS / 1000} s goes on, fails no workflow task, and writes every row`, async () => {
  const rows = () => service.db.user.count();
  for (let user = 0; user < USERS; user++) {
    const id = `user_frozen${user}`;
    await service.client.workflow.signalWithStart(syncUser, {
      workflowId: syncUserWorkflowId(id),
      taskQueue: SYNC_TASK_QUEUE,
      args: [{ clerkUserId: id, lingerMs: 1_000 }],
      signal: userChanged,
      signalArgs: [[snapshotChange(id, 1_750_000_000_000)]],
    });
  }
  const worker = runCommand('worker', {
    DATABASE_URL: service.database.url,
    CLERK_SECRET_KEY: service.standIn.secretKey,
    CLERK_API_URL: service.standIn.url,
    TEMPORAL_ADDRESS: fromSetUp('TEST_TEMPORAL_ADDRESS'),
    TEMPORAL_NAMESPACE: service.namespace,
  });
  let ended: unknown;
  void worker.exited.then((how) => {
    ended = how;
  });
  const written = (count: number) =>
    waitUntil(async () => ended !== undefined || (await rows()) >= count, {
      describe: async () => `${count} rows; there are ${await rows()}. ${worker.output()}`,
      timeoutMs: 120_000,
    });
  for (const count of FREEZE_AT) {
    await written(count);
    worker.signal('SIGSTOP');
    await sleep(FROZEN_MS);
    worker.signal('SIGCONT');
  }
  await written(USERS);
  expect(ended).toBeUndefined();
  expect(worker.logs().filter(({ msg }) => msg === 'Failing workflow task')).toEqual([]);
  expect(await rows()).toBe(USERS);
}, 600_000);
