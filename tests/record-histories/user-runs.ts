import {
  WithStartWorkflowOperation,
  type WorkflowHandle,
  type WorkflowUpdateHandle,
} from '@temporalio/client';
import { SYNC_TASK_QUEUE, syncUserWorkflowId } from '../../src/names.js';
import { createUserSignaler } from '../../src/starter/signal-user.js';
import type { DeletionChange, RefetchChange, UserChange } from '../../src/user-change.js';
import { syncUser } from '../../src/workflows/sync-user.js';
import {
  type SyncNowResult,
  type SyncUserStatus,
  status,
  syncNow,
} from '../../src/workflows/sync-user-messages.js';
import { snapshotChange } from '../support/clerk-user.js';
import type { TestService } from '../support/test-service.js';
import { waitUntil } from '../support/wait-until.js';

/** Long enough for the next step of a scenario to find the run open, short enough to wait for its end. */
export const SOON_MS = 2_000;
export const LATER_MS = 60_000;
export const T0 = 1_750_000_000_000;

export const deletion = (clerkUserId: string, observedAtMs: number): DeletionChange => ({
  kind: 'deletion',
  writer: 'webhook',
  clerkUserId,
  observedAtMs,
  instanceId: null,
  svixId: `msg_${clerkUserId}_deleted`,
});
export const refetch = (clerkUserId: string): RefetchChange => ({
  kind: 'refetch',
  writer: 'webhook',
  clerkUserId,
  observedAtMs: T0,
  instanceId: null,
  svixId: `msg_${clerkUserId}_refetch`,
});

export interface SendOptions {
  /** Default {@link SOON_MS}. */
  lingerMs?: number;
}

/**
 * Hands changes over as the starter does: those of one user that are sent at once go in two signals, the first alone.
 * @returns the run that got them.
 */
export async function send(
  service: TestService,
  changes: [UserChange, ...UserChange[]],
  { lingerMs = SOON_MS }: SendOptions = {},
): Promise<WorkflowHandle<typeof syncUser>> {
  const signalUser = createUserSignaler({
    client: service.client,
    lingerMs,
  });
  await Promise.all(changes.map((change) => signalUser(change, 1_000)));
  return newestRun(service, changes[0].clerkUserId);
}

/** Calls `syncNow` as the starter does. @returns the call, accepted, and the run that has it. */
export async function call(
  service: TestService,
  clerkUserId: string,
  lingerMs = SOON_MS,
): Promise<{ called: WorkflowUpdateHandle<SyncNowResult>; handle: WorkflowHandle<typeof syncUser> }> {
  const called = await service.client.workflow.startUpdateWithStart(syncNow, {
    startWorkflowOperation: new WithStartWorkflowOperation(syncUser, {
      workflowId: syncUserWorkflowId(clerkUserId),
      workflowIdConflictPolicy: 'USE_EXISTING',
      taskQueue: SYNC_TASK_QUEUE,
      args: [{ clerkUserId, lingerMs }],
    }),
    args: [{ ...refetch(clerkUserId), writer: 'sign-in', svixId: null }],
    waitForStage: 'ACCEPTED',
  });
  return { called, handle: await newestRun(service, clerkUserId) };
}

/** @returns a handle that stays with this run when it continues as new. */
export async function newestRun(service: TestService, clerkUserId: string) {
  const workflowId = syncUserWorkflowId(clerkUserId);
  const { runId } = await service.client.workflow.getHandle(workflowId).describe();
  return service.client.workflow.getHandle<typeof syncUser>(workflowId, runId);
}

export const untilStatus = (handle: WorkflowHandle, wanted: Partial<SyncUserStatus>) =>
  waitUntil(
    async () => {
      const now = await handle.query(status);
      return Object.entries(wanted).every(([key, value]) => now[key as keyof SyncUserStatus] === value);
    },
    { describe: `status ${JSON.stringify(wanted)}`, timeoutMs: 20_000 },
  );

/** Resolves once an activity of the run has failed that often, and waits for its next attempt. */
export const untilFailures = (handle: WorkflowHandle, failures: number) =>
  waitUntil(
    async () => {
      const { pendingActivities } = (await handle.describe()).raw;
      return pendingActivities?.some(({ attempt, lastFailure }) => lastFailure && (attempt ?? 0) > failures);
    },
    { describe: `an activity that failed ${failures} times`, timeoutMs: 30_000 },
  );

/** Makes two users collide on `username`, which needs a unique index. @returns the run of the second, parked. */
export async function parkedRun(service: TestService, name: string, options: SendOptions = {}) {
  const [first, second] = [`user_${name}_first`, `user_${name}`];
  const owner = await send(service, [snapshotChange(first, T0, { username: name })]);
  await untilStatus(owner, { applied: 1 });
  const handle = await send(service, [snapshotChange(second, T0, { username: name })], options);
  await untilRecorded(service, second, 1);
  await untilStatus(handle, { state: 'parked' });
  return {
    clerkUserId: second,
    handle,
    cure: () => service.db.user.update({ where: { clerkId: first }, data: { username: null } }),
  };
}

/** Resolves once `sync_failures` counts that many failures of the user. */
export const untilRecorded = (service: TestService, clerkId: string, failures: number) =>
  waitUntil(
    async () => (await service.db.syncFailure.findUnique({ where: { clerkId } }))?.failures === failures,
    { describe: `${failures} recorded failures of ${clerkId}` },
  );

export const makeUsernamesUnique = (service: TestService) =>
  service.db.$executeRaw`CREATE UNIQUE INDEX own_unique_name ON users (username)`;
