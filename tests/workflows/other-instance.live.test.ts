import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { SYNC_TASK_QUEUE, syncUserWorkflowId } from '../../src/names.js';
import type { UserChange } from '../../src/user-change.js';
import { syncUser } from '../../src/workflows/sync-user.js';
import { status, userChanged } from '../../src/workflows/sync-user-messages.js';
import { snapshotChange } from '../support/clerk-user.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { waitUntil } from '../support/wait-until.js';

const T0 = 1_750_000_000_000;
const OTHER = 'ins_other';
let service: TestService;

beforeAll(async () => {
  service = await startTestService();
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
const rows = () => service.db.user.findMany({ select: { clerkId: true, deletedAt: true } });
const untilReported = (clerkId: string) =>
  waitUntil(() => service.db.syncFailure.findUnique({ where: { clerkId } }), {
    describe: `a row of ${clerkId} in sync_failures`,
    timeoutMs: 60_000,
  });

test("the first event that names an instance makes the table that instance's", async () => {
  const instanceId = service.standIn.instanceId;
  await signal('user_ours', [{ ...snapshotChange('user_ours', T0), instanceId }]);
  await waitUntil(async () => (await rows()).length === 1, { describe: 'the row', timeoutMs: 60_000 });
  expect(await service.db.syncedInstance.findMany()).toMatchObject([{ instanceId }]);
});

test.each<[string, (clerkUserId: string) => UserChange]>([
  ['snapshot', (id) => snapshotChange(id, T0)],
  [
    'deletion',
    (id) => ({
      kind: 'deletion',
      writer: 'webhook',
      clerkUserId: id,
      observedAtMs: T0,
      instanceId: null,
      svixId: null,
    }),
  ],
  [
    'refetch',
    (id) => ({
      kind: 'refetch',
      writer: 'webhook',
      clerkUserId: id,
      observedAtMs: T0,
      instanceId: null,
      svixId: null,
    }),
  ],
])("of another instance, a %s writes nothing, and parks the user's run by name", async (kind, changeOf) => {
  // Clerk would show the user to our key, so that nothing but the instance tells that it is not ours.
  const { id } = service.standIn.users.createUser({ email_address: [`${kind}@example.com`] });
  const before = await rows();
  const handle = await signal(id, [{ ...changeOf(id), instanceId: OTHER }]);
  expect(await untilReported(id)).toMatchObject({
    code: 'INSTANCE_MISMATCH',
    message: expect.stringMatching(`${OTHER}.*${service.standIn.instanceId}`),
  });
  expect(await handle.query(status)).toMatchObject({ state: 'parked', applied: 0 });
  expect(await rows()).toEqual(before);
});
