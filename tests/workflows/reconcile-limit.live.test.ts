import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { approveDeletions } from '../../src/workflows/reconcile-messages.js';
import { detailsOf, heldDeletions, reconcile } from '../support/reconciling.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { waitUntil } from '../support/wait-until.js';

let service: TestService;

/** A table of 60 users: ten may go in 24 hours. Eight have gone, and their rows with them. */
beforeEach(async () => {
  service = await startTestService({ standIn: { seedUsers: 60, rateLimit: null } });
  await service.startWorker();
  await reconcile(service);
  leave(8);
  await expect(reconcile(service)).resolves.toMatchObject({ deleted: 8, withheld: 0 });
});
afterEach(() => service.stop());

/** @returns the ids of the users who left. */
function leave(count: number): string[] {
  const ids = service.standIn.users.ids().slice(0, count);
  for (const id of ids) service.standIn.users.deleteUser(id);
  return ids;
}

const aDayLater = () =>
  service.db.$executeRaw`UPDATE user_changes SET changed_at = changed_at - interval '25 hours'`;

test('deletions of earlier sweeps count: those that would exceed the limit of a day wait, and the details say why', async () => {
  leave(3);
  const result = await reconcile(service);
  expect(result).toMatchObject({ deleted: 0, withheld: 3 });
  expect(result.summary).toContain('10 in 24 hours, of which 8 were made; 2 more now');
  const held = heldDeletions(service);
  const details = await waitUntil(() => detailsOf(held));
  expect(details).toContain('3 of 52 users (6 %)');
  expect(details).toContain('at most 10 in 24 hours by themselves (8 in the last 24)');
});

test('what is left of the limit may still go', async () => {
  leave(2);
  await expect(reconcile(service)).resolves.toMatchObject({ deleted: 2, withheld: 0 });
  leave(1);
  await expect(reconcile(service)).resolves.toMatchObject({ deleted: 0, withheld: 1 });
});

test('a day later the limit is whole again', async () => {
  await aDayLater();
  leave(10);
  await expect(reconcile(service)).resolves.toMatchObject({ deleted: 10, withheld: 0 });
});

test('what an operator named a number for, or approved, does not count', async () => {
  leave(12);
  await expect(reconcile(service, { kind: 'sweep', mostDeletions: 12 })).resolves.toMatchObject({
    deleted: 12,
  });
  leave(11);
  await expect(reconcile(service)).resolves.toMatchObject({ withheld: 11 });
  const held = heldDeletions(service);
  await held.signal(approveDeletions);
  await expect(held.result()).resolves.toMatchObject({ deleted: 11 });
  leave(2);
  await expect(reconcile(service)).resolves.toMatchObject({ deleted: 2, withheld: 0 });
  const deletions = { kind: 'deleted', writer: 'operator', drift: 'missed_delete' };
  expect(await service.db.userChange.count({ where: deletions })).toBe(23);
});

test('what webhooks deleted does not count', async () => {
  await service.db.userChange.updateMany({ where: { kind: 'deleted' }, data: { writer: 'webhook' } });
  leave(10);
  await expect(reconcile(service)).resolves.toMatchObject({ deleted: 10, withheld: 0 });
});

test('what was withheld waits for an operator, however long, unless so many are back that it would not have been', async () => {
  const gone = leave(4);
  await expect(reconcile(service)).resolves.toMatchObject({ withheld: 4 });
  const isWithheld = { where: { withheldOver: 2 } };
  await waitUntil(async () => (await service.db.deletionCandidate.count(isWithheld)) === 4, {
    describe: 'the candidates to be marked',
  });
  await aDayLater();
  await expect(reconcile(service)).resolves.toMatchObject({ deleted: 0, withheld: 4 });
  // As if a later sweep had seen two of them again.
  await service.db.deletionCandidate.deleteMany({ where: { clerkId: { in: gone.slice(0, 2) } } });
  await service.db.user.updateMany({
    where: { clerkId: { in: gone.slice(0, 2) } },
    data: { observedAt: new Date(Date.now() + 3_600_000) },
  });
  await expect(reconcile(service)).resolves.toMatchObject({ deleted: 2, withheld: 0 });
});
