import { randomBytes } from 'node:crypto';
import type { WorkflowHandle } from '@temporalio/client';
import type { InjectedFailure } from '../../src/clerk-stand-in/stand-in-settings.js';
import { SYNC_TASK_QUEUE } from '../../src/names.js';
import type { ReconcileInput, ReconcileResult } from '../../src/workflows/reconcile-messages.js';
import { reconcileUsers } from '../../src/workflows/reconcile-users.js';
import { startTestService, type TestService, type TestServiceOptions } from '../support/test-service.js';
import { waitUntil } from '../support/wait-until.js';
import { record } from './record.js';
import type { Scenario } from './scenarios.js';
import { untilFailures } from './user-runs.js';

type Reconcile = WorkflowHandle<typeof reconcileUsers>;

/** 23 users on pages of 5, in a service of the scenario's own: what one deletes would be missed in the next. */
const SMALL: TestServiceOptions = { pageSize: 5, standIn: { seedUsers: 23, rateLimit: null } };

function recordReconcile(
  names: Scenario<'reconcileUsers'> | Scenario<'reconcileUsers'>[],
  options: TestServiceOptions,
  run: (service: TestService) => Promise<Reconcile | Reconcile[]>,
): void {
  let stop: () => Promise<void>;
  record(
    'reconcileUsers',
    names,
    async () => {
      const service = await startTestService(options);
      stop = () => service.stop();
      await service.startWorker();
      return run(service);
    },
    () => stop(),
  );
}

async function start({ client }: TestService, input: ReconcileInput = { kind: 'sweep' }): Promise<Reconcile> {
  const workflowId = `reconcile-users-${randomBytes(4).toString('hex')}`;
  const { firstExecutionRunId } = await client.workflow.start(reconcileUsers, {
    workflowId,
    taskQueue: SYNC_TASK_QUEUE,
    args: [input],
  });
  return client.workflow.getHandle<typeof reconcileUsers>(workflowId, firstExecutionRunId);
}

/** @throws Error unless the result has these values: the scenario would not show what it is named for. */
async function ended(handle: Reconcile, expected: Partial<ReconcileResult>): Promise<Reconcile> {
  const result = await handle.result();
  for (const [key, value] of Object.entries(expected)) {
    if (result[key as keyof ReconcileResult] !== value)
      throw new Error(`The reconcile ended with ${JSON.stringify(result)}, not ${JSON.stringify(expected)}`);
  }
  return handle;
}

/** Answers the count and so many pages, then fails. */
function failAfterPages({ standIn }: TestService, pages: number, failure: InjectedFailure): void {
  if (pages > 0) standIn.failWith({ kind: 'slow', latencyMs: 0, pathPrefix: '/v1/users', times: pages + 1 });
  standIn.failWith({ ...failure, pathPrefix: '/v1/users' });
}

recordReconcile('swept-small', SMALL, async (service) =>
  ended(await start(service), { kind: 'sweep', pages: 5, created: 23 }),
);

// A hundred pages a run, so pages of one user.
recordReconcile(
  ['swept-continued-1', 'swept-continued-2'],
  { pageSize: 1, standIn: { seedUsers: 103, rateLimit: null } },
  async (service) => {
    const first = await start(service);
    await ended(first, { pages: 104, created: 103 });
    const { workflowId } = first;
    const { runId } = await service.client.workflow.getHandle(workflowId).describe();
    return [first, service.client.workflow.getHandle<typeof reconcileUsers>(workflowId, runId)];
  },
);

recordReconcile('sweeping', SMALL, async (service) => {
  failAfterPages(service, 2, { kind: 'status', status: 500 });
  const handle = await start(service);
  await untilFailures(handle, 1);
  return handle;
});

recordReconcile('deletions-settled', SMALL, async (service) => {
  await ended(await start(service), { created: 23 });
  for (const id of service.standIn.users.ids().slice(0, 3)) service.standIn.users.deleteUser(id);
  return ended(await start(service), { deleted: 3, withheld: 0 });
});

recordReconcile('deletions-withheld', SMALL, async (service) => {
  await ended(await start(service), { created: 23 });
  for (const id of service.standIn.users.ids().slice(0, 12)) service.standIn.users.deleteUser(id);
  return ended(await start(service), { deleted: 0, withheld: 12 });
});

// A sweep of 45 users would take 6 requests; the second between two ticks has room for 5.
recordReconcile(
  'delta',
  { pageSize: 10, requestsPerSecond: 5, intervalMs: 1_000, standIn: { seedUsers: 45, rateLimit: null } },
  async (service) => {
    await ended(await start(service, { kind: 'auto' }), { kind: 'sweep', created: 45 });
    for (const id of service.standIn.users.ids().slice(0, 12))
      service.standIn.users.updateUser(id, { first_name: 'Changed' });
    return ended(await start(service, { kind: 'auto' }), { kind: 'delta', pages: 2, updated: 12 });
  },
);

recordReconcile('retried-after-429', SMALL, async (service) => {
  const headers = { 'retry-after': '2' };
  failAfterPages(service, 1, { kind: 'status', status: 429, headers, times: 1 });
  return ended(await start(service), { pages: 5, created: 23 });
});

recordReconcile('cancelled-while-sweeping', SMALL, async (service) => {
  failAfterPages(service, 2, { kind: 'status', status: 500 });
  return cancelled(await start(service));
});

recordReconcile('cancelled-before-plan', SMALL, async (service) => {
  failAfterPages(service, 0, { kind: 'status', status: 500 });
  return cancelled(await start(service));
});

async function cancelled(handle: Reconcile): Promise<Reconcile> {
  await untilFailures(handle, 1);
  await handle.cancel();
  await waitUntil(async () => (await handle.describe()).status.name === 'CANCELLED', {
    describe: 'a cancelled run',
  });
  return handle;
}
