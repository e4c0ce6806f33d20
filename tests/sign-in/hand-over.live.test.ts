import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createClerkApi } from '../../src/clerk/clerk-api.js';
import { createUserSignaler } from '../../src/starter/signal-user.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { waitUntil } from '../support/wait-until.js';
import { type Application, startApplication } from './start-application.js';

let service: TestService;
let application: Application;
beforeAll(async () => {
  service = await startTestService({ standIn: { rateLimit: null } });
  const { standIn, db, client } = service;
  const signalUser = createUserSignaler({ client, lingerMs: 1_000, hasSearchAttributes: async () => true });
  await service.startWorker();
  application = await startApplication(standIn, {
    db,
    clerk: createClerkApi({ secretKey: standIn.secretKey, apiUrl: standIn.url }),
    handOver: (clerkUserId) =>
      signalUser(
        { kind: 'refetch', writer: 'sign-in', clerkUserId, observedAtMs: Date.now(), svixId: null },
        100,
      ),
  });
});
afterAll(async () => {
  await application?.stop();
  await service?.stop();
});

test('a user whom a sign-in missed is repaired by syncUser, without another request', async () => {
  const { standIn, db } = service;
  const { id } = standIn.users.createUser({ email_address: ['ada@example.com'] });
  standIn.failWith({ kind: 'drop', times: 1 });
  const { body } = await application.get(standIn.mintToken({ sub: id }));
  expect(body.user).toBeNull();
  const row = await waitUntil(() => db.user.findUnique({ where: { clerkId: id } }), {
    describe: 'the row that syncUser makes',
    timeoutMs: 20_000,
  });
  expect(row).toMatchObject({ syncedBy: 'sign-in', observedVia: 'api', email: 'ada@example.com' });
});
