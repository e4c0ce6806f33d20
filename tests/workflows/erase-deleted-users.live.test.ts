import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { ERASE_DELETED_USERS_WORKFLOW_ID, PRUNE_USER_CHANGES_WORKFLOW_ID } from '../../src/names.js';
import { reconcile } from '../support/reconciling.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { waitUntil } from '../support/wait-until.js';

let service: TestService;
beforeEach(async () => {
  service = await startTestService({
    // More than one page, and so a delta on each tick after the first sweep.
    pageSize: 10,
    tickShare: 0,
    standIn: { seedUsers: 20, rateLimit: null },
    deletion: { mode: 'anonymise', holdbackMs: 0 },
    userChangesRetentionDays: 30,
  });
  await service.startWorker();
});
afterEach(() => service.stop());

/** What DELETION_MODE=soft left, before the mode was changed. */
const leaveTombstones = (most: number) =>
  service.db.$executeRaw`
    INSERT INTO users (clerk_id, email, clerk_updated_at, observed_at, observed_via, content_hash, synced_at, synced_by, last_outcome, deleted_at)
    SELECT 'user_deleted' || n, 'ada@example.com', now(), now(), 'webhook', 'hash', now(), 'webhook', 'deleted', now()
    FROM generate_series(1, ${most}::int) AS n`;
const withEmail = () => service.db.user.count({ where: { email: { not: null }, deletedAt: { not: null } } });
const result = (workflowId: string) => service.client.workflow.getHandle(workflowId).result();

test('the end of a reconcile has all tombstones erased whose time has come, beside it, and records how many there were', async () => {
  await leaveTombstones(3_000);
  await reconcile(service);
  await waitUntil(async () => (await withEmail()) === 0, { describe: 'no e-mail left', timeoutMs: 60_000 });
  expect(await result(ERASE_DELETED_USERS_WORKFLOW_ID)).toEqual({ erased: 3_000, refused: 0 });
  expect(await service.db.reconcileRun.findMany()).toMatchObject([{ status: 'completed', toErase: 3_000 }]);
  await reconcile(service);
  const { runId } = await service.client.workflow.getHandle(ERASE_DELETED_USERS_WORKFLOW_ID).describe();
  await reconcile(service);
  // Where nobody is to be erased, it is not started.
  expect((await service.client.workflow.getHandle(ERASE_DELETED_USERS_WORKFLOW_ID).describe()).runId).toBe(
    runId,
  );
});

test('the end of a delta has them erased as well', async () => {
  await reconcile(service);
  await leaveTombstones(10);
  await expect(reconcile(service, { kind: 'auto' })).resolves.toMatchObject({ kind: 'delta' });
  await waitUntil(async () => (await withEmail()) === 0, { describe: 'no e-mail left', timeoutMs: 60_000 });
});

test('the first reconcile of a day has old entries of the log removed', async () => {
  const old = new Date(Date.now() - 31 * 86_400_000);
  const entry = {
    clerkId: 'user_old',
    writer: 'webhook',
    clerkUpdatedAt: old,
    observedAt: old,
    changedAt: old,
  };
  const kinds = ['created', 'updated', 'deleted', 'restored', 'updated'];
  await service.db.userChange.createMany({
    data: kinds.map((kind, at) => ({ ...entry, kind, revision: at + 1 })),
  });
  await reconcile(service);
  expect(await result(PRUNE_USER_CHANGES_WORKFLOW_ID)).toEqual({ removed: 4 });
  expect(await service.db.userChange.findMany({ where: { clerkId: 'user_old' } })).toMatchObject([
    { kind: 'created' },
  ]);
  expect(await service.db.userChange.count()).toBe(21);
});
