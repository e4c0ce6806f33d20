import { afterAll, beforeAll } from '@jest/globals';
import { type WorkflowHandle, WorkflowUpdateFailedError } from '@temporalio/client';
import { Client } from 'pg';
import { retry } from '../../src/workflows/sync-user-messages.js';
import { snapshotChange } from '../support/clerk-user.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { waitUntil } from '../support/wait-until.js';
import { record } from './record.js';
import {
  call,
  deletion,
  LATER_MS,
  makeUsernamesUnique,
  parkedRun,
  refetch,
  SOON_MS,
  send,
  T0,
  untilFailures,
  untilRecorded,
  untilStatus,
} from './user-runs.js';

let service: TestService;

beforeAll(async () => {
  service = await startTestService();
  await makeUsernamesUnique(service);
  await service.startWorker();
});
afterAll(() => service.stop());

const ended = async (handle: WorkflowHandle) => {
  await handle.result();
  return handle;
};

record('syncUser', 'created-then-closed', async () => {
  const handle = await send(service, [snapshotChange('user_single', T0)], { lingerMs: 50 });
  return ended(handle);
});

record('syncUser', 'lingering', async () => {
  const handle = await send(service, [snapshotChange('user_lingering', T0)], { lingerMs: LATER_MS });
  await untilStatus(handle, { state: 'idle', applied: 1 });
  await send(service, [snapshotChange('user_lingering', T0 + 1)]);
  await untilStatus(handle, { state: 'idle', applied: 2 });
  return handle;
});

record('syncUser', 'burst-folded', async () => {
  const named = (n: number) => snapshotChange('user_burst', T0 + n, { first_name: `Name ${n}` });
  await service.stopWorker();
  const handle = await send(service, [named(3), named(1), named(5), named(2), named(5), named(4), named(1)]);
  await send(service, [named(3), named(2)]);
  await service.startWorker();
  await untilStatus(handle, { state: 'idle', received: 9, applied: 1 });
  return ended(handle);
});

record('syncUser', 'duplicate-and-late', async () => {
  const handle = await send(service, [snapshotChange('user_twice', T0)]);
  await untilStatus(handle, { state: 'idle', applied: 1 });
  await send(service, [snapshotChange('user_twice', T0)]);
  await untilStatus(handle, { state: 'idle', applied: 2 });
  await send(service, [snapshotChange('user_twice', T0 - 1_000, { first_name: 'Earlier' })]);
  await untilStatus(handle, { state: 'idle', applied: 3, lastOutcome: 'stale' });
  return ended(handle);
});

record('syncUser', 'deleted-then-late-update', async () => {
  const handle = await send(service, [snapshotChange('user_deleted', T0)]);
  await untilStatus(handle, { state: 'idle', applied: 1 });
  await send(service, [deletion('user_deleted', T0 + 10)]);
  await untilStatus(handle, { state: 'idle', lastOutcome: 'deleted' });
  await send(service, [snapshotChange('user_deleted', T0 + 20)]);
  await untilStatus(handle, { state: 'idle', applied: 3, lastOutcome: 'stale' });
  return ended(handle);
});

record('syncUser', 'created-by-refetch', async () => {
  const { id } = service.standIn.users.createUser({ email_address: ['refetched@example.com'] });
  const handle = await send(service, [refetch(id)]);
  await untilStatus(handle, { state: 'idle', lastOutcome: 'created' });
  return ended(handle);
});

record('syncUser', 'phantom-refetched', async () => {
  const handle = await send(service, [refetch('user_phantom')]);
  await untilStatus(handle, { state: 'idle', lastOutcome: 'ignored' });
  return ended(handle);
});

record('syncUser', 'written-while-asking', async () => {
  service.standIn.settings.answerDelayMs = 1_500;
  const id = 'user_asked_beside';
  const handle = await send(service, [refetch(id)]);
  await send(service, [snapshotChange(id, T0)]);
  await untilStatus(handle, { state: 'applying', applied: 1, asksClerk: true });
  service.standIn.settings.answerDelayMs = 0;
  await untilStatus(handle, { state: 'idle', applied: 2, lastOutcome: 'ignored' });
  return ended(handle);
});

record('syncUser', 'call-before-question', async () => {
  const { id } = service.standIn.users.createUser({ email_address: ['called-before@example.com'] });
  service.standIn.settings.answerDelayMs = 2_000;
  const asking = await send(service, [refetch(id)]);
  await untilStatus(asking, { state: 'applying' });
  service.standIn.settings.answerDelayMs = 0;
  const { called, handle } = await call(service, id);
  await called.result();
  await untilStatus(handle, { state: 'idle', received: 2, applied: 1 });
  return ended(handle);
});

record('syncUser', 'retried-in-outage', async () => {
  await service.database.goDown();
  const handle = await send(service, [snapshotChange('user_outage', T0)]);
  await untilFailures(handle, 1);
  await send(service, [snapshotChange('user_outage', T0 + 1, { first_name: 'Changed meanwhile' })]);
  await untilFailures(handle, 2);
  await service.database.comeBack();
  await untilStatus(handle, { state: 'idle', applied: 2, lastOutcome: 'updated' });
  return ended(handle);
});

record('syncUser', 'parked', async () => (await parkedRun(service, 'parked')).handle);

let bare: TestService | undefined;
record(
  'syncUser',
  'parked-without-search-attributes',
  async () => {
    bare = await startTestService({ syncStatus: false });
    await makeUsernamesUnique(bare);
    await bare.startWorker();
    const { handle } = await parkedRun(bare, 'parked_bare');
    const names = async () =>
      (await handle.fetchHistory()).events?.map(
        ({ activityTaskScheduledEventAttributes: scheduled }) => scheduled?.activityType?.name,
      );
    await waitUntil(async () => (await names())?.includes('hasSyncStatus'), {
      describe: 'a look for the attribute',
    });
    return handle;
  },
  async () => bare?.stop(),
);

record('syncUser', 'parked-then-retried', async () => {
  const { clerkUserId, handle, cure } = await parkedRun(service, 'parked_retried');
  await handle.signal(retry);
  await untilRecorded(service, clerkUserId, 2);
  await untilStatus(handle, { state: 'parked' });
  await cure();
  await handle.signal(retry);
  await untilStatus(handle, { state: 'idle', failure: null });
  return ended(handle);
});

record('syncUser', 'parked-then-cured-by-next-change', async () => {
  const { clerkUserId, handle } = await parkedRun(service, 'parked_cured');
  await send(service, [snapshotChange(clerkUserId, T0 + 1, { username: 'free' })]);
  await untilStatus(handle, { state: 'idle', failure: null, lastOutcome: 'created' });
  return ended(handle);
});

record('syncUser', 'rejected-while-next-change-came', async () => {
  const owner = await send(service, [snapshotChange('user_owner', T0, { username: 'owned' })]);
  await untilStatus(owner, { applied: 1 });
  const locker = new Client({ connectionString: service.database.url });
  await locker.connect();
  try {
    await locker.query('BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE');
    const handle = await send(service, [snapshotChange('user_newer', T0, { username: 'owned' })]);
    await untilStatus(handle, { state: 'applying' });
    await send(service, [snapshotChange('user_newer', T0 + 1, { username: 'own' })]);
    await untilStatus(handle, { received: 2 });
    await locker.query('COMMIT');
    await untilStatus(handle, { state: 'idle', failure: null, lastOutcome: 'created' });
    return await ended(handle);
  } finally {
    await locker.end();
  }
});

record('syncUser', 'cancelled-while-lingering', async () => {
  const handle = await send(service, [snapshotChange('user_cancelled', T0)], { lingerMs: LATER_MS });
  await untilStatus(handle, { state: 'idle', applied: 1 });
  await handle.cancel();
  return untilCancelled(handle);
});

record('syncUser', 'cancelled-while-applying', async () => {
  await service.database.goDown();
  const handle = await send(service, [snapshotChange('user_given_up', T0)], { lingerMs: SOON_MS });
  await untilFailures(handle, 1);
  await handle.cancel();
  await untilCancelled(handle);
  await service.database.comeBack();
  return handle;
});

record('syncUser', 'called-then-closed', async () => {
  const { id } = service.standIn.users.createUser({ email_address: ['called@example.com'] });
  const { called, handle } = await call(service, id);
  await called.result();
  await (await call(service, id)).called.result();
  return ended(handle);
});

record('syncUser', 'called-while-applying', async () => {
  const { id } = service.standIn.users.createUser({ email_address: ['called-often@example.com'] });
  service.standIn.settings.answerDelayMs = 1_000;
  const { called, handle } = await call(service, id);
  await untilStatus(handle, { state: 'applying' });
  const others = await Promise.all([1, 2, 3].map(() => call(service, id)));
  await send(service, [refetch(id)]);
  await Promise.all([called.result(), ...others.map((other) => other.called.result())]);
  service.standIn.settings.answerDelayMs = 0;
  await untilStatus(handle, { state: 'idle', received: 5, applied: 2 });
  return ended(handle);
});

record('syncUser', 'called-and-parked', async () => {
  const owner = await send(service, [snapshotChange('user_name_owner', T0, { username: 'called' })]);
  await untilStatus(owner, { applied: 1 });
  const { id } = service.standIn.users.createUser({
    username: 'called',
    email_address: ['called-and-parked@example.com'],
  });
  const { called, handle } = await call(service, id);
  const refused = await called.result().catch((error: unknown) => error);
  if (!(refused instanceof WorkflowUpdateFailedError)) throw new Error('The call was not refused.');
  await untilRecorded(service, id, 1);
  await untilStatus(handle, { state: 'parked' });
  return handle;
});

async function untilCancelled(handle: WorkflowHandle): Promise<WorkflowHandle> {
  await waitUntil(async () => (await handle.describe()).status.name === 'CANCELLED', {
    describe: 'a cancelled run',
  });
  return handle;
}
