import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import { countGoneUsers } from '../../src/db/deletion-candidates.js';
import { readStatus } from '../../src/db/read-status.js';
import { approveDeletions, rejectDeletions } from '../../src/workflows/reconcile-messages.js';
import { clerkIds, detailsOf, heldDeletions, liveIds, reconcile } from '../support/reconciling.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { waitUntil } from '../support/wait-until.js';

const USERS = 60;
let service: TestService;
/** Too many to go by themselves. */
let gone: string[];
let before: string[];

/** A table of 60 users, of whom 15 have gone from Clerk; a sweep has found that out. */
beforeEach(async () => {
  service = await startTestService({ standIn: { seedUsers: USERS, rateLimit: null } });
  await service.startWorker();
  await reconcile(service);
  before = await liveIds(service);
  gone = service.standIn.users.ids().slice(0, 15);
  deleteAtClerk(gone);
  await expect(reconcile(service)).resolves.toMatchObject({ deleted: 0, withheld: 15 });
});
afterEach(() => service.stop());

function deleteAtClerk(ids: string[]): void {
  for (const id of ids) service.standIn.users.deleteUser(id);
}
const isOpen = async (handle: WorkflowHandle) => (await handle.describe()).status.name === 'RUNNING';
const candidates = () => service.db.deletionCandidate.count();
const deletedIds = async () => {
  const rows = await service.db.user.findMany({ where: { deletedAt: { not: null } } });
  return rows.map((row) => row.clerkId).sort();
};

test('over the limit, a workflow of its own waits, and its details say how many, of how many, and what to do', async () => {
  const held = heldDeletions(service);
  expect(await isOpen(held)).toBe(true);
  const details = await waitUntil(() => detailsOf(held));
  expect(details).toContain('15 of 60 users (25 %)');
  expect(details).toContain('at most 10 in 24 hours by themselves. None');
  expect(details).toContain('`approveDeletions`');
  expect(details).toContain('`rejectDeletions`');
  expect(await liveIds(service)).toEqual(before);
  const { staticSummary } = await held.describe().then(async (found) => ({
    staticSummary: await found.staticSummary(),
  }));
  expect(staticSummary).toBe('Deletions that wait for an operator');
});

describe('approved', () => {
  test('those found before are deleted, and nobody else', async () => {
    const later = service.standIn.users.ids().slice(0, 2);
    deleteAtClerk(later);
    await expect(reconcile(service)).resolves.toMatchObject({ deleted: 0, withheld: 17 });
    const held = heldDeletions(service);
    await held.signal(approveDeletions);
    await expect(held.result()).resolves.toMatchObject({ decision: 'approved', deleted: 15, failed: 0 });
    expect(await deletedIds()).toEqual(gone.toSorted());
    expect(await detailsOf(held)).toContain('**Approved**: 15 users deleted.');
    // Two are no longer too many.
    await expect(reconcile(service)).resolves.toMatchObject({ deleted: 2, withheld: 0 });
    expect(await liveIds(service)).toEqual(clerkIds(service));
    expect(await candidates()).toBe(0);
  });

  test('a row that Postgres refuses to mark is counted, costs no other, and waits for nobody', async () => {
    await service.db.$executeRawUnsafe(
      `ALTER TABLE users ADD CONSTRAINT keep_one CHECK (clerk_id <> '${gone[0]}' OR deleted_at IS NULL)`,
    );
    const held = heldDeletions(service);
    await held.signal(approveDeletions);
    await expect(held.result()).resolves.toMatchObject({ decision: 'approved', deleted: 14, failed: 1 });
    expect(await service.db.syncFailure.findMany()).toMatchObject([
      { clerkId: gone[0], code: 'ROW_REJECTED' },
    ]);
    const nowMs = Date.now();
    await expect(readStatus(service.db, nowMs)).resolves.toMatchObject({ deletionsWaiting: 0, goneRows: 1 });
    await expect(countGoneUsers(service.db, { foundUpToMs: null, withKept: false })).resolves.toMatchObject({
      gone: 1,
      withheldOver: null,
    });
    await service.db.$executeRaw`ALTER TABLE users DROP CONSTRAINT keep_one`;
    await expect(reconcile(service)).resolves.toMatchObject({ deleted: 1, withheld: 0 });
  });
});

describe('rejected', () => {
  beforeEach(async () => {
    const held = heldDeletions(service);
    await held.signal(rejectDeletions);
    await expect(held.result()).resolves.toMatchObject({ decision: 'rejected', deleted: 0, kept: 15 });
  });

  test('the rows are kept: the next sweep neither deletes them nor parks again', async () => {
    const result = await reconcile(service);
    expect(result).toMatchObject({ deleted: 0, withheld: 0 });
    expect(await liveIds(service)).toEqual(before);
    expect(await isOpen(heldDeletions(service))).toBe(false);
    expect(await service.db.deletionCandidate.count({ where: { rejectedAt: { not: null } } })).toBe(15);
  });

  test('others who go are deleted meanwhile', async () => {
    const [other = ''] = service.standIn.users.ids();
    deleteAtClerk([other]);
    await expect(reconcile(service)).resolves.toMatchObject({ deleted: 1, withheld: 0 });
    expect(await deletedIds()).toEqual([other]);
  });

  test('an operator who names a number lets all go, those too', async () => {
    await expect(reconcile(service, { kind: 'sweep', mostDeletions: 15 })).resolves.toMatchObject({
      deleted: 15,
      withheld: 0,
    });
    expect(await liveIds(service)).toEqual(clerkIds(service));
    expect(await candidates()).toBe(0);
  });

  test('a number that does not allow for all of them leaves them kept', async () => {
    await expect(reconcile(service, { kind: 'sweep', mostDeletions: 14 })).resolves.toMatchObject({
      deleted: 0,
      withheld: 0,
    });
    expect(await liveIds(service)).toEqual(before);
    expect(await isOpen(heldDeletions(service))).toBe(false);
    expect(await service.db.deletionCandidate.count({ where: { rejectedAt: { not: null } } })).toBe(15);
  });

  test('to plan with a number decides nothing', async () => {
    await reconcile(service, { kind: 'sweep', mode: 'plan', mostDeletions: 1_000 });
    expect(await service.db.deletionCandidate.count({ where: { rejectedAt: { not: null } } })).toBe(15);
  });
});

describe('while it waits', () => {
  test('sweeps go on and repair, and start no second one', async () => {
    const held = heldDeletions(service);
    const { runId } = await held.describe();
    const [changed = ''] = service.standIn.users.ids();
    service.standIn.users.updateUser(changed, { first_name: 'Repaired' });
    const { id: created } = service.standIn.users.createUser({ email_address: ['new@example.com'] });
    await expect(reconcile(service)).resolves.toMatchObject({ updated: 1, created: 1, withheld: 15 });
    await expect(reconcile(service)).resolves.toMatchObject({ withheld: 15, deleted: 0 });
    expect(await liveIds(service)).toContain(created);
    expect((await held.describe()).runId).toBe(runId);
  });

  test('a user whom Clerk lists again is no candidate any more, and stays whatever is approved', async () => {
    // A backup that lacked them is replaced by the real thing.
    const [back = ''] = gone;
    const listed = service.standIn.users.list('limit=500&order_by=%2Bcreated_at');
    const [anyone] = listed;
    service.standIn.failWith({
      kind: 'status',
      status: 200,
      body: [{ ...anyone, id: back }, ...listed],
      pathPrefix: '/v1/users?order_by',
      times: 1,
    });
    await expect(reconcile(service)).resolves.toMatchObject({ withheld: 14 });
    expect(await service.db.deletionCandidate.findUnique({ where: { clerkId: back } })).toBeNull();
    const held = heldDeletions(service);
    await held.signal(approveDeletions);
    await expect(held.result()).resolves.toMatchObject({ decision: 'approved', deleted: 14 });
    expect(await liveIds(service)).toContain(back);
  });

  test('a worker that dies and comes back finds it waiting as before', async () => {
    await service.stopWorker();
    await service.startWorker();
    const held = heldDeletions(service);
    expect(await detailsOf(held)).toContain('15 of 60 users');
    await held.signal(approveDeletions);
    await expect(held.result()).resolves.toMatchObject({ deleted: 15 });
  });
});
