import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createClerkApi } from '../../src/clerk/clerk-api.js';
import { handOverToStarter } from '../../src/sign-in/hand-over-to-starter.js';
import { createUserSignaler } from '../../src/starter/signal-user.js';
import { createSyncUserNow } from '../../src/starter/sync-user-now.js';
import { startTestStarter, type TestStarter } from '../starter/start-test-starter.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { waitUntil } from '../support/wait-until.js';
import { type Application, startApplication } from './start-application.js';

const API_TOKEN = 'an-operators-token-of-32-characters-or-more';
let service: TestService;
let starter: TestStarter;
let application: Application;
beforeAll(async () => {
  service = await startTestService({ standIn: { rateLimit: null } });
  const { standIn, db, client } = service;
  const run = { client, lingerMs: 1_000 };
  const syncUserNow = createSyncUserNow({ ...run, signalUser: createUserSignaler(run) });
  starter = await startTestStarter({
    sync: {
      syncUserNow,
      readUser: (clerkId) => db.user.findUnique({ where: { clerkId } }),
      verifySession: undefined,
      apiToken: API_TOKEN,
      corsOrigins: [],
    },
  });
  await service.startWorker();
  application = await startApplication(standIn, {
    db,
    clerk: createClerkApi({ secretKey: standIn.secretKey, apiUrl: standIn.url }),
    handOver: handOverToStarter({ url: starter.url, apiToken: API_TOKEN }),
  });
});
afterAll(async () => {
  await application?.stop();
  await starter?.stop();
  await service?.stop();
});

test('a user whom a sign-in missed is handed over to the starter and repaired by syncUser, without another request', async () => {
  const { standIn, db } = service;
  const { id } = standIn.users.createUser({ email_address: ['ada@example.com'] });
  standIn.failWith({ kind: 'drop', times: 1 });
  const { body } = await application.get(standIn.mintToken({ sub: id }));
  expect(body.user).toBeNull();
  const row = await waitUntil(() => db.user.findUnique({ where: { clerkId: id } }), {
    describe: 'the row that syncUser makes',
  });
  expect(row).toMatchObject({ syncedBy: 'operator', observedVia: 'api', email: 'ada@example.com' });
});
