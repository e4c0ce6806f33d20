import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { WithStartWorkflowOperation } from '@temporalio/client';
import { SYNC_TASK_QUEUE, syncUserWorkflowId } from '../../src/names.js';
import type { RefetchChange } from '../../src/user-change.js';
import { syncUser } from '../../src/workflows/sync-user.js';
import { syncNow, userChanged } from '../../src/workflows/sync-user-messages.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { waitUntil } from '../support/wait-until.js';

const PER_SECOND = 2;
const QUEUED = 24;
let service: TestService;

beforeAll(async () => {
  service = await startTestService({ refetchesPerSecond: PER_SECOND });
  await service.startWorker();
  // The first workflow of a worker takes seconds to load, and its first question asks for the key's instance as well.
  expect(await call(newUser())).toEqual({ outcome: 'created' });
});
afterAll(() => service.stop());

let users = 0;
const newUser = () => service.standIn.users.createUser({ email_address: [`rate${++users}@example.com`] }).id;
const refetch = (clerkUserId: string, writer: RefetchChange['writer']): RefetchChange => ({
  kind: 'refetch',
  writer,
  clerkUserId,
  observedAtMs: Date.now(),
  instanceId: null,
  svixId: null,
});
const run = (clerkUserId: string) => ({
  workflowId: syncUserWorkflowId(clerkUserId),
  taskQueue: SYNC_TASK_QUEUE,
  args: [{ clerkUserId, lingerMs: 60_000 }] as [{ clerkUserId: string; lingerMs: number }],
});
const call = (clerkUserId: string) =>
  service.client.workflow.executeUpdateWithStart(syncNow, {
    startWorkflowOperation: new WithStartWorkflowOperation(syncUser, {
      ...run(clerkUserId),
      workflowIdConflictPolicy: 'USE_EXISTING',
    }),
    args: [refetch(clerkUserId, 'sign-in')],
  });
const asked = () => service.standIn.stats.byRoute['GET /v1/users/:id'] ?? 0;

test('events that only Clerk can tell are asked about at the rate of their share, and a sign-in does not wait for its turn', async () => {
  const before = asked();
  const startedMs = performance.now();
  const queued = Array.from({ length: QUEUED }, newUser);
  await Promise.all(
    queued.map((id) =>
      service.client.workflow.signalWithStart(syncUser, {
        ...run(id),
        signal: userChanged,
        signalArgs: [[refetch(id, 'webhook')]],
      }),
    ),
  );
  await waitUntil(() => asked() > before, { describe: 'a first question', timeoutMs: 30_000 });
  const [another, last] = [newUser(), queued.at(-1) ?? ''];
  // One whom nobody has told of, and one whose question waits at the end of the queue.
  expect(await Promise.all([call(another), call(last)])).toEqual([
    { outcome: 'created' },
    { outcome: expect.stringMatching(/^(created|unchanged)$/) },
  ]);
  expect(asked() - before).toBeLessThan(QUEUED);
  await waitUntil(() => asked() - before > QUEUED, { describe: 'all to be asked about', timeoutMs: 60_000 });
  // As many as a second allows may go at once, and what was not used of the second before is not lost.
  const leastMs = ((asked() - before - 2 * PER_SECOND) / PER_SECOND) * 1_000;
  expect(performance.now() - startedMs).toBeGreaterThan(leastMs);
}, 120_000);
