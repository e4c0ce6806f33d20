import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/common';
import { type EmbeddedTemporal, startTemporal } from '../../dist/embedded/start-temporal.js';
import { applySnapshots } from '../../src/db/apply-snapshots.js';
import { HOOKS_SCHEDULE_ID, SYNC_TASK_QUEUE, userHooksWorkflowId } from '../../src/names.js';
import { runUserHooks } from '../../src/workflows/run-user-hooks.js';
import { retry } from '../../src/workflows/sync-user-messages.js';
import { hooksPending, skipHook } from '../../src/workflows/user-hooks-messages.js';
import { snapshotOf, T0 } from '../db/snapshot-of.js';
import { makeTemporaryFolder, type TemporaryFolder } from '../embedded/temporary-folder.js';
import { fromSetUp } from '../support/from-set-up.js';
import { hookLog } from '../support/hook-log.js';
import { detailsOf } from '../support/reconciling.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { waitUntil } from '../support/wait-until.js';

const USER = 'user_continued';
const log = hookLog();
let folder: TemporaryFolder;
let temporal: EmbeddedTemporal;
let service: TestService;

// A server of its own, for Temporal's suggests a new run only at 4,096 events.
beforeAll(async () => {
  folder = await makeTemporaryFolder();
  temporal = await startTemporal({
    cliPath: fromSetUp('TEST_TEMPORAL_CLI'),
    port: 0,
    headless: true,
    logFile: path.join(folder.path, 'temporal.log'),
    dynamicConfig: { 'limit.historyCount.suggestContinueAsNew': '40' },
  });
  process.env.TEST_TEMPORAL_ADDRESS = temporal.address;
  service = await startTestService({ hooks: log.hooks });
  await service.startWorker();
  await service.client.schedule.getHandle(HOOKS_SCHEDULE_ID).pause();
});
afterAll(async () => {
  await service?.stop();
  await temporal?.stop();
  await folder.remove();
});

test('a `skip` of a later change is remembered by the run that continues the one to which it was sent', async () => {
  let cured = false;
  log.behave = ({ revision }) => {
    if (revision === 1 && !cured) throw ApplicationFailure.nonRetryable('The plan is unknown.');
  };
  for (const ms of [0, 1, 2])
    await applySnapshots(service.db, [snapshotOf(USER, T0 + ms, { first_name: `Name ${ms}` })], 'webhook');
  await service.client.workflow.signalWithStart(runUserHooks, {
    workflowId: userHooksWorkflowId(USER),
    taskQueue: SYNC_TASK_QUEUE,
    args: [{ clerkUserId: USER }],
    signal: hooksPending,
  });
  const run = service.client.workflow.getHandle(userHooksWorkflowId(USER));
  const first = (await run.describe()).runId;
  await waitUntil(async () => (await detailsOf(run)).includes('Parked at revision 1'));
  await run.signal(skipHook, 2);
  await waitUntil(
    async () => {
      await run.signal(hooksPending);
      return (await run.describe()).runId !== first;
    },
    { describe: 'a run that continues the first' },
  );
  cured = true;
  await run.signal(retry);
  await waitUntil(async () => (await service.db.pendingHook.count()) === 0, {
    describe: () => log.of(USER),
  });
  expect(new Set(log.of(USER))).toEqual(new Set(['onUserCreated created 1', 'onUserUpdated updated 3']));
});
