import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { syncUserWorkflowId } from '../../src/names.js';
import { createUserSignaler } from '../../src/starter/signal-user.js';
import { createSyncUserNow, type SyncUserNow } from '../../src/starter/sync-user-now.js';
import { startTestService, type TestService } from '../support/test-service.js';

let service: TestService;
beforeAll(async () => {
  service = await startTestService({ standIn: { rateLimit: null } });
  await service.startWorker();
  // The worker's first workflow takes seconds to load.
  await syncer(1)(newUser().id, 'sign-in');
});
afterAll(() => service.stop());

/** As one starter has it. */
function syncer(lingerMs: number): SyncUserNow {
  const runs = { client: service.client, lingerMs };
  // What is shown here is not how fast this machine is.
  return createSyncUserNow({ ...runs, signalUser: createUserSignaler(runs), deadlineMs: 120_000 });
}
let users = 0;
const newUser = () => service.standIn.users.createUser({ email_address: [`many${++users}@example.com`] });
const askedClerk = () => service.standIn.stats.byRoute['GET /v1/users/:id'] ?? 0;

test('20 starters that are called for one user at once, more than Temporal takes updates in flight, all get the row', async () => {
  const { id } = newUser();
  const before = askedClerk();
  const starters = Array.from({ length: 20 }, () => syncer(60_000));
  const answers = await Promise.all(starters.map((sync) => sync(id, 'sign-in')));
  expect(answers.map(({ kind }) => kind)).toEqual(answers.map(() => 'applied'));
  expect(askedClerk() - before).toBeLessThan(20);
});

test('a call that meets a run as it closes is answered all the same', async () => {
  const { id } = newUser();
  const sync = syncer(1);
  const kinds = new Set<string>();
  for (let n = 0; n < 60; n++) kinds.add((await sync(id, 'operator')).kind);
  expect(kinds).toEqual(new Set(['applied']));
  const runs = [];
  const query = `WorkflowId = '${syncUserWorkflowId(id)}'`;
  for await (const run of service.client.workflow.list({ query })) runs.push(run);
  expect(runs.length).toBeGreaterThan(1);
});
