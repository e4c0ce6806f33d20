import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { endCommands, type RunningCommand, runCommand } from '../cli/run-command.js';
import { fromSetUp } from '../support/from-set-up.js';
import { reconcile } from '../support/reconciling.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { waitUntil } from '../support/wait-until.js';

let service: TestService;
let folder: string;
let worker: RunningCommand;

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'clerk-sync-config-'));
  service = await startTestService({ standIn: { seedUsers: 0, rateLimit: null } });
  await service.db
    .$executeRaw`ALTER TABLE users ADD COLUMN plan text, ADD COLUMN mine text DEFAULT 'untouched'`;
  worker = runCommand('worker', {
    DATABASE_URL: service.database.url,
    CLERK_SECRET_KEY: service.standIn.secretKey,
    CLERK_API_URL: service.standIn.url,
    TEMPORAL_ADDRESS: fromSetUp('TEST_TEMPORAL_ADDRESS'),
    TEMPORAL_NAMESPACE: service.namespace,
    RECONCILE_DELETION_GRACE_SECONDS: '0',
    CLERK_SYNC_CONFIG: path.resolve('tests/e2e/clerk-sync-config.mjs'),
    HOOK_FILE: path.join(folder, 'told'),
  });
  await worker.logged('Worker running');
});
afterAll(async () => {
  await endCommands();
  await service.stop();
  rmSync(folder, { recursive: true, force: true });
});

const told = () =>
  existsSync(path.join(folder, 'told'))
    ? readFileSync(path.join(folder, 'told'), 'utf8').trim().split('\n')
    : [];
const untilTold = (lines: number) =>
  waitUntil(() => told().length >= lines, {
    describe: () => Promise.resolve([...told(), worker.output()]),
  });
const plans = () => service.db.$queryRaw`SELECT plan, mine FROM users WHERE deleted_at IS NULL`;

test("the worker maps into the application's column and tells its hooks, with that column, as CLERK_SYNC_CONFIG says", async () => {
  const { users } = service.standIn;
  const { id } = users.createUser({
    email_address: ['ada@example.com'],
    first_name: 'Ada',
    public_metadata: { plan: 'free' },
  });
  await expect(reconcile(service)).resolves.toMatchObject({ created: 1 });
  expect(await plans()).toEqual([{ plan: 'free', mine: 'untouched' }]);
  await untilTold(1);

  users.updateUser(id, { first_name: 'Grace', public_metadata: { plan: 'pro' } });
  await expect(reconcile(service)).resolves.toMatchObject({ updated: 1 });
  expect(await plans()).toEqual([{ plan: 'pro', mine: 'untouched' }]);
  await untilTold(2);

  users.createUser({ email_address: ['witness@example.com'], first_name: 'Witness' });
  await reconcile(service);
  users.deleteUser(id);
  await expect(reconcile(service)).resolves.toMatchObject({ deleted: 1 });
  await untilTold(4);
  expect(told().toSorted()).toEqual([
    ...['created Ada free', 'created Witness null', 'deleted Grace pro', 'updated Grace pro'],
  ]);
});
