import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { applySnapshots } from '../../src/db/apply-snapshots.js';
import {
  DISPATCH_USER_HOOKS,
  HOOKS_SCHEDULE_ID,
  SYNC_TASK_QUEUE,
  syncUserWorkflowId,
  userHooksWorkflowId,
} from '../../src/names.js';
import { syncUser } from '../../src/workflows/sync-user.js';
import { userChanged } from '../../src/workflows/sync-user-messages.js';
import { snapshotOf, T0 } from '../db/snapshot-of.js';
import { snapshotChange } from '../support/clerk-user.js';
import { hookLog } from '../support/hook-log.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { waitUntil } from '../support/wait-until.js';

let log = hookLog();
let service: TestService;

beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.stop());
afterEach(async () => {
  await service.stopWorker();
  log = hookLog();
});

const schedule = () => service.client.schedule.getHandle(HOOKS_SCHEDULE_ID);
const write = (ids: string[], ms = 0) =>
  applySnapshots(
    service.db,
    ids.map((id) => snapshotOf(id, T0 + ms, { first_name: `Name ${ms}` })),
    'reconcile',
  );
const signal = (clerkUserId: string) =>
  service.client.workflow.signalWithStart(syncUser, {
    workflowId: syncUserWorkflowId(clerkUserId),
    taskQueue: SYNC_TASK_QUEUE,
    args: [{ clerkUserId, lingerMs: 100 }],
    signal: userChanged,
    signalArgs: [[snapshotChange(clerkUserId, T0)]],
  });
const untilCalled = (...ids: string[]) =>
  waitUntil(() => ids.every((id) => log.of(id).length > 0), {
    describe: () => log.calls.length,
  });

test('without hooks nothing is noted, and there is no Schedule', async () => {
  await service.startWorker();
  await (await signal('user_off')).result();
  expect(await service.db.user.count()).toBe(1);
  expect(await service.db.pendingHook.count()).toBe(0);
  await expect(schedule().describe()).rejects.toThrow();
});

test('a worker with hooks turns them on and makes the Schedule, for what is written from then on', async () => {
  await service.startWorker(undefined, log.hooks);
  const { spec, action, policies } = await schedule().describe();
  expect(spec.intervals).toEqual([expect.objectContaining({ every: 5_000 })]);
  expect(action).toMatchObject({ workflowType: DISPATCH_USER_HOOKS, taskQueue: SYNC_TASK_QUEUE });
  expect(policies.overlap).toBe('SKIP');
  await write(['user_off', 'user_on'], 1);
  await untilCalled('user_off', 'user_on');
  expect(log.of('user_off')).toEqual(['onUserUpdated updated 2']);
  expect(log.of('user_on')).toEqual(['onUserCreated created 1']);
});

test('the Schedule is left as an operator has it, and a webhook’s hook does not wait for it', async () => {
  await service.startWorker(undefined, log.hooks);
  await schedule().pause('by hand');
  await service.stopWorker();
  await service.startWorker(undefined, log.hooks);
  expect((await schedule().describe()).state).toMatchObject({ paused: true, note: 'by hand' });
  await signal('user_hurried');
  await untilCalled('user_hurried');
  await schedule().unpause();
});

test('a worker without hooks leaves them to one that has them', async () => {
  await service.startWorker();
  await write(['user_waiting']);
  await service.client.workflow.start(DISPATCH_USER_HOOKS, {
    workflowId: 'by-hand',
    taskQueue: SYNC_TASK_QUEUE,
  });
  await signal('user_waiting_too');
  await waitUntil(async () => (await service.db.pendingHook.count()) === 2);
  const dispatching = service.client.workflow.getHandle('by-hand');
  await waitUntil(async () => {
    const { pendingActivities } = (await dispatching.describe()).raw;
    return pendingActivities?.[0]?.activityType?.name === DISPATCH_USER_HOOKS;
  });
  expect(await service.db.pendingHook.count()).toBe(2);
  await service.stopWorker();
  await service.startWorker(undefined, log.hooks);
  await untilCalled('user_waiting', 'user_waiting_too');
});

test('a worker that starts while Postgres is away turns hooks on before it writes its first row', async () => {
  await service.db.hooksSwitch.deleteMany();
  await service.database.goDown();
  await service.startWorker(undefined, log.hooks);
  await signal('user_after_outage');
  await service.database.comeBack();
  await untilCalled('user_after_outage');
});

test('a page of 60 new users is 60 calls, and no personal data is in any history of theirs', async () => {
  await service.startWorker(undefined, log.hooks);
  const ids = Array.from({ length: 60 }, (_, n) => `user_page${n}`);
  await write(ids);
  await untilCalled(...ids);
  await waitUntil(async () => (await service.db.pendingHook.count()) === 0);
  for (const id of ids) expect(log.of(id)).toEqual(['onUserCreated created 1']);
  const handle = service.client.workflow.getHandle(userHooksWorkflowId('user_page7'));
  await handle.result();
  const { events } = await handle.fetchHistory();
  expect(textOf(events)).toContain('user_page7');
  expect(textOf(events)).not.toMatch(/example\.com|Name 0|Ada|Lovelace/);
});

/** Payload data too, whose bytes would hide what they say. */
function textOf(value: unknown): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString();
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.values(value).map(textOf).join('\n');
}
