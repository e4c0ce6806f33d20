import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import { SYNC_TASK_QUEUE, syncUserWorkflowId } from '../../src/names.js';
import type { UserChange } from '../../src/user-change.js';
import { syncUser } from '../../src/workflows/sync-user.js';
import { retry, status, userChanged } from '../../src/workflows/sync-user-messages.js';
import { snapshotChange } from '../support/clerk-user.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { waitUntil } from '../support/wait-until.js';

const T0 = 1_750_000_000_000;
let service: TestService;
let users = 0;
const newUserId = () => `user_workflow${++users}`;

beforeAll(async () => {
  service = await startTestService();
  await service.startWorker();
});
afterAll(() => service.stop());

const row = (clerkId: string) => service.db.user.findUnique({ where: { clerkId } });
const changes = (clerkId: string) =>
  service.db.userChange.findMany({ where: { clerkId }, orderBy: { revision: 'asc' } });

function signal(clerkUserId: string, list: UserChange[], lingerMs = 60_000) {
  return service.client.workflow.signalWithStart(syncUser, {
    workflowId: syncUserWorkflowId(clerkUserId),
    taskQueue: SYNC_TASK_QUEUE,
    args: [{ clerkUserId, lingerMs }],
    signal: userChanged,
    signalArgs: [list],
  });
}

const untilStatus = (handle: WorkflowHandle, wanted: Partial<Awaited<ReturnType<typeof statusOf>>>) =>
  waitUntil(
    async () => {
      const now = await statusOf(handle);
      return Object.entries(wanted).every(([key, value]) => now[key as keyof typeof now] === value);
    },
    { describe: `status ${JSON.stringify(wanted)}` },
  );
const statusOf = (handle: WorkflowHandle) => handle.query(status);
const eventsOf = async (handle: WorkflowHandle) => (await handle.fetchHistory()).events ?? [];

describe('syncUser', () => {
  test('applies a change and closes once nothing came for the linger time', async () => {
    const id = newUserId();
    const handle = await signal(id, [snapshotChange(id, T0)], 50);
    await expect(handle.result()).resolves.toMatchObject({ received: 1, applied: 1, lastOutcome: 'created' });
    expect(await row(id)).toMatchObject({
      email: `${id}@example.com`,
      syncedBy: 'webhook',
      lastOutcome: 'created',
    });
  });

  test('folds a burst, in any order and with repeats, into the newest state', async () => {
    const id = newUserId();
    await service.stopWorker();
    const order = [3, 1, 5, 2, 5, 4, 1, 3];
    for (const n of order) await signal(id, [snapshotChange(id, T0 + n, { first_name: `Name ${n}` })]);
    await service.startWorker();
    const handle = service.client.workflow.getHandle(syncUserWorkflowId(id));
    await untilStatus(handle, { state: 'idle', received: order.length });
    expect(await row(id)).toMatchObject({ firstName: 'Name 5' });
    expect(await statusOf(handle)).toMatchObject({ applied: 1 });
    expect(await changes(id)).toHaveLength(1);
  });

  test('a late update does not revive a deleted user', async () => {
    const id = newUserId();
    const deletion: UserChange = {
      kind: 'deletion',
      writer: 'webhook',
      clerkUserId: id,
      observedAtMs: T0 + 10,
      instanceId: null,
      svixId: 'msg_d',
    };
    const handle = await signal(id, [snapshotChange(id, T0)]);
    await untilStatus(handle, { applied: 1 });
    await signal(id, [deletion]);
    await untilStatus(handle, { applied: 2 });
    await signal(id, [snapshotChange(id, T0 + 20)]);
    await untilStatus(handle, { applied: 3, lastOutcome: 'stale' });
    expect((await row(id))?.deletedAt).toEqual(new Date(T0 + 10));
  });

  test('a user whose deletion comes first is a tombstone, and stays one', async () => {
    const id = newUserId();
    const deletion: UserChange = {
      kind: 'deletion',
      writer: 'webhook',
      clerkUserId: id,
      observedAtMs: T0 + 10,
      instanceId: null,
      svixId: null,
    };
    const handle = await signal(id, [deletion, snapshotChange(id, T0)]);
    await untilStatus(handle, { state: 'idle', applied: 1 });
    expect((await row(id))?.deletedAt).toEqual(new Date(T0 + 10));
  });

  test('refetch mode asks Clerk, and no personal data enters the history', async () => {
    const created = service.standIn.users.createUser({
      first_name: 'Grace',
      email_address: ['grace@example.com'],
    });
    const refetch: UserChange = {
      kind: 'refetch',
      writer: 'webhook',
      clerkUserId: created.id,
      observedAtMs: T0,
      instanceId: null,
      svixId: 'msg_r',
    };
    const handle = await signal(created.id, [refetch]);
    await untilStatus(handle, { state: 'idle', lastOutcome: 'created' });
    expect(await row(created.id)).toMatchObject({
      firstName: 'Grace',
      email: 'grace@example.com',
      observedVia: 'api',
    });
    const history = Buffer.from(JSON.stringify(await eventsOf(handle))).toString();
    const decoded = (await eventsOf(handle)).flatMap((event) => payloadsOf(event)).join('\n');
    expect(history + decoded).not.toMatch(/grace/i);
  });

  test('a phantom, such as "Send Example", writes no row in refetch mode', async () => {
    const id = newUserId();
    const handle = await signal(id, [
      {
        kind: 'refetch',
        writer: 'webhook',
        clerkUserId: id,
        observedAtMs: T0,
        instanceId: null,
        svixId: null,
      },
    ]);
    await untilStatus(handle, { state: 'idle', lastOutcome: 'ignored' });
    expect(await row(id)).toBeNull();
  });

  test('a refetch that finds nobody deletes nobody: a wrong key says the same of everybody', async () => {
    const id = newUserId();
    await untilStatus(await signal(id, [snapshotChange(id, T0)]), { applied: 1 });
    const handle = await signal(id, [
      {
        kind: 'refetch',
        writer: 'webhook',
        clerkUserId: id,
        observedAtMs: T0 + 1,
        instanceId: null,
        svixId: null,
      },
    ]);
    await untilStatus(handle, { state: 'idle', lastOutcome: 'ignored' });
    expect(await row(id)).toMatchObject({ deletedAt: null, lastOutcome: 'created' });
  });

  describe('when Postgres refuses the row', () => {
    beforeAll(() => service.db.$executeRaw`CREATE UNIQUE INDEX own_unique_name ON users (username)`);
    afterAll(() => service.db.$executeRaw`DROP INDEX IF EXISTS own_unique_name`);

    const collide = async (name: string) => {
      const [first, second] = [newUserId(), newUserId()];
      await untilStatus(await signal(first, [snapshotChange(first, T0, { username: name })]), { applied: 1 });
      const handle = await signal(second, [snapshotChange(second, T0, { username: name })]);
      await untilStatus(handle, { state: 'parked' });
      await waitUntil(
        async () => (await service.db.syncFailure.findUnique({ where: { clerkId: second } })) !== null,
        {
          describe: 'a row in sync_failures',
        },
      );
      return { first, second, handle };
    };

    test('the run parks: open, named in the table, found by SyncStatus, without personal data', async () => {
      const { second, handle } = await collide('taken-1');
      expect(await service.db.syncFailure.findUnique({ where: { clerkId: second } })).toMatchObject({
        code: 'ROW_REJECTED',
        message: expect.stringContaining('own_unique_name'),
        workflowId: syncUserWorkflowId(second),
        resolvedAt: null,
      });
      await waitUntil(
        async () => {
          for await (const found of service.client.workflow.list({ query: `SyncStatus = 'parked'` })) {
            if (found.workflowId === handle.workflowId) return true;
          }
          return false;
        },
        { describe: 'the parked run in a search' },
      );
      expect((await handle.describe()).status.name).toBe('RUNNING');
      expect(JSON.stringify(await service.db.syncFailure.findMany())).not.toContain('taken-1');
      const failed = (await eventsOf(handle)).find((event) => event.activityTaskFailedEventAttributes);
      expect(JSON.stringify(failed?.activityTaskFailedEventAttributes?.failure)).not.toContain('taken-1');
    });

    test('`retry` applies it once the cause is cured', async () => {
      const { first, second, handle } = await collide('taken-2');
      await service.db.user.update({ where: { clerkId: first }, data: { username: null } });
      await handle.signal(retry);
      await untilStatus(handle, { state: 'idle', failure: null });
      expect(await row(second)).toMatchObject({ username: 'taken-2' });
      await waitUntil(
        async () =>
          (await service.db.syncFailure.findUnique({ where: { clerkId: second } }))?.resolvedAt != null,
        { describe: 'the failure to be resolved' },
      );
    });

    test('`retry` before the cause is cured parks it again', async () => {
      const { second, handle } = await collide('taken-3');
      await handle.signal(retry);
      await waitUntil(
        async () => (await service.db.syncFailure.findUnique({ where: { clerkId: second } }))?.failures === 2,
        {
          describe: 'a second failure',
        },
      );
      await untilStatus(handle, { state: 'parked' });
      expect(await row(second)).toBeNull();
    });

    test('the next change of the user cures it', async () => {
      const { second, handle } = await collide('taken-4');
      await signal(second, [snapshotChange(second, T0 + 1, { username: 'free' })]);
      await untilStatus(handle, { state: 'idle', failure: null });
      expect(await row(second)).toMatchObject({ username: 'free' });
    });
  });
});

/** Payload data of an event, decoded: bytes would hide what they say. */
function payloadsOf(value: unknown): string[] {
  if (value instanceof Uint8Array) return [Buffer.from(value).toString()];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(payloadsOf);
}
