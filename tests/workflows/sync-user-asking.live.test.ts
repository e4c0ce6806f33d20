import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import { SYNC_TASK_QUEUE, syncUserWorkflowId } from '../../src/names.js';
import type { DeletionChange, RefetchChange, UserChange } from '../../src/user-change.js';
import { syncUser } from '../../src/workflows/sync-user.js';
import { type SyncUserStatus, status, userChanged } from '../../src/workflows/sync-user-messages.js';
import { snapshotChange } from '../support/clerk-user.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { waitUntil } from '../support/wait-until.js';

const T0 = 1_750_000_000_000;
/** Longer than any test: Clerk takes the request and does not answer. */
const NEVER_MS = 600_000;
let service: TestService;

beforeAll(async () => {
  service = await startTestService({ standIn: { rateLimit: null } });
  await service.db.$executeRaw`CREATE UNIQUE INDEX own_unique_name ON users (username)`;
  await service.startWorker();
  // The worker asks once which instance its key is of.
  const { id } = newUser();
  await untilStatus(await signal(id, [refetch(id)]), { lastOutcome: 'created' });
});
afterAll(async () => {
  answerAgain();
  await service.stop();
});
beforeEach(() => answerAgain());

let users = 0;
const newId = () => `user_asking${++users}`;
const newUser = (fields: { username?: string } = {}) =>
  service.standIn.users.createUser({
    first_name: 'Grace',
    email_address: [`asking${++users}@example.com`],
    ...fields,
  });
const hang = () => {
  service.standIn.settings.failures = [{ kind: 'slow', latencyMs: NEVER_MS, pathPrefix: '/v1/users/' }];
};
/** Requests that hang go on hanging until the worker gives them up. */
function answerAgain(): void {
  service.standIn.settings.failures = [];
}
const refetch = (clerkUserId: string): RefetchChange => ({
  kind: 'refetch',
  writer: 'webhook',
  clerkUserId,
  observedAtMs: T0,
  instanceId: null,
  svixId: `msg_${clerkUserId}_session`,
});
const deletion = (clerkUserId: string): DeletionChange => ({
  kind: 'deletion',
  writer: 'webhook',
  clerkUserId,
  observedAtMs: T0 + 1_000,
  instanceId: null,
  svixId: `msg_${clerkUserId}_deleted`,
});

function signal(clerkUserId: string, list: UserChange[]) {
  return service.client.workflow.signalWithStart(syncUser, {
    workflowId: syncUserWorkflowId(clerkUserId),
    taskQueue: SYNC_TASK_QUEUE,
    args: [{ clerkUserId, lingerMs: 60_000 }],
    signal: userChanged,
    signalArgs: [list],
  });
}
const row = (clerkId: string) => service.db.user.findUnique({ where: { clerkId } });
const untilRow = (clerkId: string) =>
  waitUntil(() => row(clerkId), { describe: `a row of ${clerkId}`, timeoutMs: 30_000 });
const untilStatus = (handle: WorkflowHandle, wanted: Partial<SyncUserStatus>) =>
  waitUntil(
    async () => {
      const now: SyncUserStatus = await handle.query(status);
      return Object.entries(wanted).every(([key, value]) => now[key as keyof SyncUserStatus] === value);
    },
    { describe: async () => ({ wanted, is: await handle.query(status) }), timeoutMs: 30_000 },
  );

describe('while Clerk takes requests and answers none,', () => {
  test('and 120 users wait for it, whole users are written at once: others, and those who wait', async () => {
    hang();
    const waiting = Array.from({ length: 120 }, newId);
    await Promise.all(waiting.map((id) => signal(id, [refetch(id)])));
    const others = Array.from({ length: 20 }, newId);
    const whole = [...others, ...waiting.slice(0, 20)];
    await Promise.all(whole.map((id) => signal(id, [snapshotChange(id, T0)])));
    await Promise.all(whole.map(untilRow));
    expect(await row(waiting[20] ?? '')).toBeNull();
  });

  test('a whole user that came together with a question is written, and stays when Clerk then has nobody', async () => {
    hang();
    const id = newId();
    const handle = await signal(id, [snapshotChange(id, T0), refetch(id)]);
    await untilRow(id);
    expect(await handle.query(status)).toMatchObject({ state: 'applying', applied: 1 });
    answerAgain();
    await untilStatus(handle, { state: 'idle', applied: 2, lastOutcome: 'ignored' });
    expect(await row(id)).toMatchObject({ firstName: 'Ada', deletedAt: null });
  });

  test('a deletion is written beside the question', async () => {
    hang();
    const id = newId();
    await signal(id, [refetch(id)]);
    await signal(id, [snapshotChange(id, T0)]);
    await untilRow(id);
    await signal(id, [deletion(id)]);
    await waitUntil(async () => (await row(id))?.deletedAt, { describe: 'a tombstone', timeoutMs: 30_000 });
  });

  test('a refused row is reported at once, and what Clerk then answers cures it', async () => {
    const taken = newId();
    await signal(taken, [snapshotChange(taken, T0, { username: 'taken' })]);
    await untilRow(taken);
    hang();
    const { id } = newUser({ username: 'free' });
    const handle = await signal(id, [refetch(id), snapshotChange(id, T0, { username: 'taken' })]);
    await waitUntil(() => service.db.syncFailure.findUnique({ where: { clerkId: id } }), {
      describe: 'a row in sync_failures',
      timeoutMs: 30_000,
    });
    expect(await handle.query(status)).toMatchObject({ failure: { code: 'ROW_REJECTED' }, parked: true });
    answerAgain();
    await untilStatus(handle, { state: 'idle', failure: null });
    expect(await row(id)).toMatchObject({ username: 'free', firstName: 'Grace' });
    await waitUntil(
      async () => (await service.db.syncFailure.findUnique({ where: { clerkId: id } }))?.resolvedAt,
      { describe: 'the failure to be resolved' },
    );
  });
});
