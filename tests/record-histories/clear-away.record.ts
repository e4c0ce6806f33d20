import {
  ERASE_DELETED_USERS_WORKFLOW_ID,
  PRUNE_USER_CHANGES_WORKFLOW_ID,
  SYNC_TASK_QUEUE,
} from '../../src/names.js';
import { eraseDeletedUsers } from '../../src/workflows/erase-deleted-users.js';
import { pruneUserChanges } from '../../src/workflows/prune-user-changes.js';
import { begin, deleteAtClerk, ended, recordInService, SMALL } from './record-reconcile.js';

const CLEARING = { ...SMALL, deletion: { mode: 'hard', holdbackMs: 3_600_000 } as const };

recordInService('eraseDeletedUsers', 'erased', CLEARING, async (service) => {
  await ended(await begin(service), { created: 23 });
  deleteAtClerk(service, 5);
  await ended(await begin(service), { deleted: 5 });
  await service.db.$executeRaw`UPDATE users SET synced_at = now() - interval '2 hours'`;
  const erasing = await service.client.workflow.start(eraseDeletedUsers, {
    workflowId: ERASE_DELETED_USERS_WORKFLOW_ID,
    taskQueue: SYNC_TASK_QUEUE,
    args: [],
  });
  await erasing.result();
  return erasing;
});

recordInService('pruneUserChanges', 'pruned', { ...SMALL, userChangesRetentionDays: 30 }, async (service) => {
  const pruning = await service.client.workflow.start(pruneUserChanges, {
    workflowId: PRUNE_USER_CHANGES_WORKFLOW_ID,
    taskQueue: SYNC_TASK_QUEUE,
    args: [],
  });
  await pruning.result();
  return pruning;
});
