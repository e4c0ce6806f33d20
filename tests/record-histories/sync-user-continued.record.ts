import { afterAll, beforeAll } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import { retry } from '../../src/workflows/sync-user-messages.js';
import { snapshotChange } from '../support/clerk-user.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { record } from './record.js';
import { call, makeUsernamesUnique, parkedRun, send, T0, untilFailures, untilStatus } from './user-runs.js';

let service: TestService;

beforeAll(async () => {
  const address = process.env.RECORD_SUGGESTING_ADDRESS;
  if (!address) throw new Error('The second Temporal does not run. Run it with: npm run record-histories');
  // Of this file only: Jest gives each one an environment of its own.
  process.env.TEST_TEMPORAL_ADDRESS = address;
  service = await startTestService();
  await makeUsernamesUnique(service);
  await service.startWorker();
});
afterAll(() => service.stop());

record('syncUser', ['continued-in-outage-1', 'continued-in-outage-2'], async () => {
  const id = 'user_long_outage';
  await service.database.goDown();
  const first = await send(service, [snapshotChange(id, T0)]);
  await untilFailures(first, 1);
  for (let n = 1; await isOpen(first); n++) {
    await send(service, [snapshotChange(id, T0 + n, { first_name: `Name ${n}` })]);
    await untilStatus(newest(first), { received: n + 1 });
  }
  const second = await nextRun(first);
  await untilFailures(second, 1);
  await service.database.comeBack();
  await untilStatus(second, { state: 'idle', applied: 1, lastOutcome: 'created' });
  await second.result();
  return [first, second];
});

record('syncUser', ['continued-while-parked-1', 'continued-while-parked-2'], async () => {
  const { handle: first, cure } = await parkedRun(service, 'parked_long');
  while (await isOpen(first)) {
    await newest(first).signal(retry);
    await untilStatus(newest(first), { state: 'parked' });
  }
  const second = await nextRun(first);
  await cure();
  await second.signal(retry);
  await untilStatus(second, { state: 'idle', failure: null, applied: 1 });
  await second.result();
  return [first, second];
});

record('syncUser', ['continued-while-called-1', 'continued-while-called-2'], async () => {
  const { id } = service.standIn.users.createUser({ email_address: ['called@example.com'] });
  await service.database.goDown();
  const { called, handle: first } = await call(service, id);
  await untilFailures(first, 1);
  while (await isOpen(first)) await newest(first).signal(retry);
  const { outcome } = await called.result();
  if (outcome !== null) throw new Error(`The call was answered with ${outcome}, not sent to the next run.`);
  const second = await nextRun(first);
  const again = await call(service, id);
  await service.database.comeBack();
  await again.called.result();
  await second.result();
  return [first, second];
});

const isOpen = async (handle: WorkflowHandle) => (await handle.describe()).status.name === 'RUNNING';
/** Whichever run is the newest at each call. */
const newest = (handle: WorkflowHandle) => service.client.workflow.getHandle(handle.workflowId);
async function nextRun(handle: WorkflowHandle): Promise<WorkflowHandle> {
  const { runId } = await newest(handle).describe();
  return service.client.workflow.getHandle(handle.workflowId, runId);
}
