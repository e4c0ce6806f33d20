import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { SYNC_TASK_QUEUE } from '../../src/names.js';
import { reconcileUsers } from '../../src/workflows/reconcile-users.js';
import { startTestService, type TestService } from '../support/test-service.js';

let service: TestService;
beforeAll(async () => {
  service = await startTestService({ standIn: { seedUsers: 5, rateLimit: null }, deletionGraceMs: 60_000 });
  await service.startWorker();
});
afterAll(() => service.stop());

test("a user seen a moment ago is not looked for, since Clerk's lists may lag; seen longer ago, it is", async () => {
  const sweep = (workflowId: string) =>
    service.client.workflow.execute(reconcileUsers, {
      workflowId,
      taskQueue: SYNC_TASK_QUEUE,
      args: [{ kind: 'sweep' }],
    });
  await sweep('first');
  const [gone = ''] = service.standIn.users.ids();
  service.standIn.users.deleteUser(gone);
  await expect(sweep('too-soon')).resolves.toMatchObject({ deleted: 0 });
  await service.db.$executeRaw`UPDATE users SET observed_at = observed_at - interval '61 seconds'`;
  await expect(sweep('later')).resolves.toMatchObject({ deleted: 1 });
});
