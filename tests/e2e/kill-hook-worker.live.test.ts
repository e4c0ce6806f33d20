import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { applySnapshots } from '../../src/db/apply-snapshots.js';
import { snapshotOf, T0 } from '../db/snapshot-of.js';
import { fromSetUp } from '../support/from-set-up.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { waitUntil } from '../support/wait-until.js';

let service: TestService;
const workers: ChildProcess[] = [];

beforeAll(async () => {
  service = await startTestService();
  await service.db.$executeRaw`CREATE TABLE hook_calls (id serial, worker text, call text)`;
});
afterAll(async () => {
  for (const worker of workers) worker.kill('SIGKILL');
  await service.stop();
});

async function startHookWorker(behaviour: 'hangs' | 'returns'): Promise<ChildProcess> {
  const worker = fork('tests/e2e/hook-worker.mjs', {
    env: {
      DATABASE_URL: service.database.url,
      TEMPORAL_ADDRESS: fromSetUp('TEST_TEMPORAL_ADDRESS'),
      TEMPORAL_NAMESPACE: service.namespace,
      HOOK: behaviour,
    },
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  workers.push(worker);
  await once(worker, 'message');
  return worker;
}

const calls = () =>
  service.db.$queryRaw<{ worker: string; call: string }[]>`SELECT worker, call FROM hook_calls ORDER BY id`;

test('a worker killed amid a hook: another one calls it again, and then those after it', async () => {
  const first = await startHookWorker('hangs');
  for (const ms of [0, 1])
    await applySnapshots(
      service.db,
      [snapshotOf('user_a', T0 + ms, { first_name: `Name ${ms}` })],
      'sign-in',
    );
  await waitUntil(async () => (await calls()).length === 1, { describe: calls });
  const killed = once(first, 'exit');
  first.kill('SIGKILL');
  await killed;

  await startHookWorker('returns');
  await waitUntil(async () => (await service.db.pendingHook.count()) === 0, {
    describe: calls,
  });
  expect(await calls()).toEqual([
    { worker: 'hangs', call: 'user_a created 1' },
    { worker: 'returns', call: 'user_a created 1' },
    { worker: 'returns', call: 'user_a updated 2' },
  ]);
});
