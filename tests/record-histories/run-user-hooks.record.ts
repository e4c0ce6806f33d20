import { afterAll, beforeAll } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/common';
import { applySnapshots } from '../../src/db/apply-snapshots.js';
import {
  DISPATCH_USER_HOOKS,
  HOOKS_SCHEDULE_ID,
  SYNC_TASK_QUEUE,
  userHooksWorkflowId,
} from '../../src/names.js';
import { runUserHooks } from '../../src/workflows/run-user-hooks.js';
import { retry } from '../../src/workflows/sync-user-messages.js';
import { hooksPending, skipHook } from '../../src/workflows/user-hooks-messages.js';
import { snapshotOf, T0 } from '../db/snapshot-of.js';
import { hookLog } from '../support/hook-log.js';
import { detailsOf, untilFailedWith } from '../support/reconciling.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { waitUntil } from '../support/wait-until.js';
import { record } from './record.js';
import { cancelled } from './record-reconcile.js';

const log = hookLog();
let service: TestService;

beforeAll(async () => {
  const address = process.env.RECORD_SUGGESTING_ADDRESS;
  if (!address) throw new Error('The second Temporal does not run. Run it with: npm run record-histories');
  process.env.TEST_TEMPORAL_ADDRESS = address;
  service = await startTestService({ hooks: log.hooks });
  await service.startWorker();
  // What runs is started here, and by nobody else meanwhile.
  await service.client.schedule.getHandle(HOOKS_SCHEDULE_ID).pause();
});
afterAll(() => service.stop());

/** @returns the run that was asked to tell so many changes of a user. */
async function begin(id: string, changes: number) {
  for (let ms = 0; ms < changes; ms++)
    await applySnapshots(service.db, [snapshotOf(id, T0 + ms, { first_name: `Name ${ms}` })], 'sign-in');
  return service.client.workflow.signalWithStart(runUserHooks, {
    workflowId: userHooksWorkflowId(id),
    taskQueue: SYNC_TASK_QUEUE,
    args: [{ clerkUserId: id }],
    signal: hooksPending,
  });
}

const atFirst = (id: string, error: () => Error) => {
  log.behave = ({ clerkUserId, kind }) => {
    if (clerkUserId === id && kind === 'created') throw error();
  };
};
const works = () => {
  log.behave = () => undefined;
};

async function tryingAgain(id: string) {
  atFirst(id, () => new Error('away'));
  const handle = await begin(id, 2);
  await untilFailedWith(handle, 'HOOK_FAILED');
  return handle;
}

async function parked(id: string) {
  atFirst(id, () => ApplicationFailure.nonRetryable('The plan is unknown.'));
  const handle = await begin(id, 2);
  await waitUntil(async () => (await detailsOf(handle)).includes('Parked'), { describe: 'a parked run' });
  return handle;
}

record('runUserHooks', 'ran', async () => {
  const handle = await begin('user_ran', 2);
  await handle.result();
  return handle;
});

record('runUserHooks', 'trying-again', () => tryingAgain('user_trying'));

record('runUserHooks', 'parked', () => parked('user_parked'));

record('runUserHooks', 'parked-then-retried', async () => {
  const handle = await parked('user_parked_retried');
  works();
  await handle.signal(retry);
  await handle.result();
  return handle;
});

record('runUserHooks', 'parked-then-skipped', async () => {
  const handle = await parked('user_parked_skipped');
  await handle.signal(skipHook, 1);
  await handle.result();
  return handle;
});

record('runUserHooks', 'skipped-while-trying', async () => {
  const handle = await tryingAgain('user_skipped');
  await handle.signal(skipHook, 1);
  await handle.result();
  return handle;
});

record('runUserHooks', 'skipped-before-its-turn', async () => {
  const handle = await parked('user_skipped_early');
  await handle.signal(skipHook, 2);
  works();
  await handle.signal(retry);
  await handle.result();
  return handle;
});

record('runUserHooks', 'cancelled-while-trying', async () => cancelled(await tryingAgain('user_cancelled')));

record('runUserHooks', ['continued-1', 'continued-2'], async () => {
  works();
  const { workflowId, signaledRunId } = await begin('user_continued', 15);
  const first = service.client.workflow.getHandle(workflowId, signaledRunId, { followRuns: false });
  await service.client.workflow.getHandle(workflowId).result();
  const { runId } = await service.client.workflow.getHandle(workflowId).describe();
  return [first, service.client.workflow.getHandle(workflowId, runId)];
});

record('dispatchUserHooks', 'dispatched', async () => {
  works();
  await applySnapshots(service.db, [snapshotOf('user_dispatched', T0)], 'sign-in');
  const handle = await service.client.workflow.start(DISPATCH_USER_HOOKS, {
    workflowId: HOOKS_SCHEDULE_ID,
    taskQueue: SYNC_TASK_QUEUE,
  });
  await handle.result();
  return service.client.workflow.getHandle(HOOKS_SCHEDULE_ID);
});
