import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { CancelledFailure, WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { SYNC_TASK_QUEUE, syncUserWorkflowId } from '../../src/names.js';
import type { UserChange } from '../../src/user-change.js';
import { syncUser } from '../../src/workflows/sync-user.js';
import { status, userChanged } from '../../src/workflows/sync-user-messages.js';
import { snapshotChange } from '../support/clerk-user.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { waitUntil } from '../support/wait-until.js';

const T0 = 1_750_000_000_000;
let service: TestService;
let users = 0;
const newUserId = () => `user_outage${++users}`;

beforeAll(async () => {
  service = await startTestService();
  await service.startWorker();
});
afterAll(() => service.stop());

function signal(clerkUserId: string, changes: UserChange[], lingerMs = 60_000) {
  return service.client.workflow.signalWithStart(syncUser, {
    workflowId: syncUserWorkflowId(clerkUserId),
    taskQueue: SYNC_TASK_QUEUE,
    args: [{ clerkUserId, lingerMs }],
    signal: userChanged,
    signalArgs: [changes],
  });
}

const row = (clerkId: string) => service.db.user.findUnique({ where: { clerkId } });

/** @returns what Temporal tells about the activity that is tried again. */
async function pendingFailure(
  handle: WorkflowHandle,
): Promise<{ code: string; attempt: number } | undefined> {
  const [activity] = (await handle.describe()).raw.pendingActivities ?? [];
  const code = activity?.lastFailure?.applicationFailureInfo?.type;
  return code ? { code, attempt: activity?.attempt ?? 0 } : undefined;
}

/** Runs `send` on every item in the order given, so many at a time. */
async function sendAll<Item>(
  items: Item[],
  atATime: number,
  send: (item: Item) => Promise<unknown>,
): Promise<void> {
  const queue = [...items];
  const sender = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await send(item);
  };
  await Promise.all(Array.from({ length: atATime }, sender));
}

test('1,300 changes of one user while Postgres is down: the run continues as new, and none is lost', async () => {
  const CHANGES = 1_300;
  const id = newUserId();
  const older = Array.from({ length: CHANGES - 1 }, (_, n) => n);
  await service.database.goDown();
  try {
    // The newest comes first and is being applied, so it lives on only in what a run hands to the next one.
    const first = await signal(id, [snapshotChange(id, T0 + CHANGES, { first_name: 'Newest' })]);
    await waitUntil(async () => (await pendingFailure(first))?.code === 'POSTGRES_UNAVAILABLE', {
      describe: 'a pending activity that names the outage',
    });
    await sendAll(older, 5, (n) => signal(id, [snapshotChange(id, T0 + n, { first_name: `Name ${n}` })]));
    const handle = service.client.workflow.getHandle(syncUserWorkflowId(id));
    await waitUntil(async () => (await handle.describe()).runId !== first.signaledRunId, {
      describe: 'a run that continues the first',
    });
    await waitUntil(
      async () => {
        const pending = await pendingFailure(handle);
        return pending?.code === 'POSTGRES_UNAVAILABLE' && pending.attempt > 1;
      },
      { describe: 'the activity to be tried again in the run at the end' },
    );
    expect(await handle.query(status)).toMatchObject({
      state: 'applying',
      pendingKind: 'snapshot',
      received: CHANGES,
      applied: 0,
    });
  } finally {
    await service.database.comeBack();
  }
  const handle = service.client.workflow.getHandle(syncUserWorkflowId(id));
  await waitUntil(async () => (await handle.query(status)).state === 'idle', {
    describe: 'the change to go through',
  });
  expect(await handle.query(status)).toMatchObject({
    received: CHANGES,
    failure: null,
  });
  expect(await row(id)).toMatchObject({
    firstName: 'Newest',
    clerkUpdatedAt: new Date(T0 + CHANGES),
    revision: 1,
  });
});

test('changes that arrive just as idle runs close are all received, and every user ends at its newest', async () => {
  const RUNS = 4;
  const ids = Array.from({ length: 20 }, newUserId);
  const sent = await Promise.all(
    ids.map(async (id, user) => {
      const runs = new Set<string>();
      // Each gap aims at the moment at which the run closes: longer after one too short, shorter after one too long.
      let gapMs = 20 + user;
      let n = 0;
      for (; runs.size < RUNS; n++) {
        const before = runs.size;
        const { signaledRunId } = await signal(
          id,
          [snapshotChange(id, T0 + n, { first_name: `Name ${n}` })],
          20,
        );
        gapMs *= runs.add(signaledRunId).size > before ? 0.8 : 1.4;
        await new Promise((resolve) => setTimeout(resolve, gapMs));
      }
      return { id, changes: n };
    }),
  );
  const receivedOf = async (id: string) => {
    let received = 0;
    const query = `WorkflowId = '${syncUserWorkflowId(id)}' AND ExecutionStatus = 'Completed'`;
    for await (const { workflowId, runId } of service.client.workflow.list({ query })) {
      received += (await service.client.workflow.getHandle<typeof syncUser>(workflowId, runId).result())
        .received;
    }
    return received;
  };
  for (const { id, changes } of sent) {
    await waitUntil(async () => (await receivedOf(id)) >= changes, {
      describe: async () => `${changes} changes of ${id}, of which ${await receivedOf(id)} were received`,
    });
    expect(await receivedOf(id)).toBe(changes);
    expect(await row(id)).toMatchObject({ firstName: `Name ${changes - 1}` });
  }
});

describe('a run that an operator cancels', () => {
  const cancelled = async (handle: WorkflowHandle) => {
    await handle.cancel();
    const thrown = await handle.result().catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(WorkflowFailedError);
    expect((thrown as WorkflowFailedError).cause).toBeInstanceOf(CancelledFailure);
    expect((await handle.describe()).status.name).toBe('CANCELLED');
  };
  const nextChangeIsApplied = async (id: string, before: WorkflowHandle & { signaledRunId: string }) => {
    const next = await signal(id, [snapshotChange(id, T0 + 1, { first_name: 'Next' })]);
    expect(next.signaledRunId).not.toBe(before.signaledRunId);
    await waitUntil(async () => (await row(id))?.firstName === 'Next', {
      describe: 'the next change in the table',
    });
    expect(await next.query(status)).toMatchObject({ received: 1 });
  };

  test('while idle ends Cancelled, and the next change starts a new one', async () => {
    const id = newUserId();
    const handle = await signal(id, [snapshotChange(id, T0)]);
    await waitUntil(async () => (await handle.query(status)).applied === 1, {
      describe: 'the change to be applied',
    });
    await cancelled(handle);
    await nextChangeIsApplied(id, handle);
  });

  test('in an outage ends Cancelled too, without waiting for its end', async () => {
    const id = newUserId();
    await service.database.goDown();
    let handle: Awaited<ReturnType<typeof signal>>;
    try {
      handle = await signal(id, [snapshotChange(id, T0)]);
      await waitUntil(() => pendingFailure(handle), { describe: 'a failed attempt' });
      await cancelled(handle);
    } finally {
      await service.database.comeBack();
    }
    await nextChangeIsApplied(id, handle);
  });
});
