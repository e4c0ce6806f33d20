import type { WorkflowHandle } from '@temporalio/client';
import { DELETE_GONE_USERS_WORKFLOW_ID, SYNC_TASK_QUEUE } from '../../src/names.js';
import { deleteGoneUsers } from '../../src/workflows/delete-gone-users.js';
import { approveDeletions, rejectDeletions } from '../../src/workflows/reconcile-messages.js';
import { detailsOf, heldDeletions } from '../support/reconciling.js';
import type { TestService } from '../support/test-service.js';
import { waitUntil } from '../support/wait-until.js';
import { begin, deleteAtClerk, ended, recordInService, SMALL } from './record-reconcile.js';

/** @returns the run that holds the deletions of a sweep which found too many. */
async function parked(service: TestService): Promise<WorkflowHandle<typeof deleteGoneUsers>> {
  await ended(await begin(service), { created: 23 });
  deleteAtClerk(service, 12);
  await ended(await begin(service), { withheld: 12 });
  const held = heldDeletions(service);
  await waitUntil(async () => (await detailsOf(held)).includes('12 of 23'), { describe: 'its details' });
  return held;
}

recordInService('deleteGoneUsers', 'parked', SMALL, parked);

recordInService('deleteGoneUsers', 'approved', SMALL, async (service) => {
  const held = await parked(service);
  await held.signal(approveDeletions);
  await held.result();
  return held;
});

recordInService('deleteGoneUsers', 'rejected', SMALL, async (service) => {
  const held = await parked(service);
  await held.signal(rejectDeletions);
  await held.result();
  return held;
});

recordInService('deleteGoneUsers', 'nothing-left', SMALL, async (service) => {
  const held = await service.client.workflow.start(deleteGoneUsers, {
    workflowId: DELETE_GONE_USERS_WORKFLOW_ID,
    taskQueue: SYNC_TASK_QUEUE,
    args: [{ foundUpToMs: 0, liveRows: 23, limit: 10, deletedLately: 0, withheldOver: 10 }],
  });
  await held.result();
  return held;
});
