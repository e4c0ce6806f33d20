import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Names, namesFor } from '../../src/names.js';
import { createUserSignaler } from '../../src/starter/signal-user.js';
import type { RefetchChange } from '../../src/user-change.js';
import type { UserHooks } from '../../src/user-hooks.js';
import { reconcileUsers } from '../../src/workflows/reconcile-users.js';
import { snapshotChange } from '../support/clerk-user.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { waitUntil } from '../support/wait-until.js';

const T0 = 1_750_000_000_000;
const SEEDED = 8;

interface Side {
  service: TestService;
  names: Names;
  /** Whom its hooks were told of. */
  told: string[];
}
let sides: Side[];

beforeAll(async () => {
  const first = await start('alpha-', {});
  sides = [first, await start('beta_', { namespace: first.service.namespace })];
});
afterAll(async () => {
  for (const { service } of sides.toReversed()) await service.stop();
});

async function start(prefix: string, options: { namespace?: string }): Promise<Side> {
  const told: string[] = [];
  const hooks: UserHooks = { onUserCreated: async ({ clerkUserId }) => void told.push(clerkUserId) };
  const names = namesFor(prefix);
  const instanceId = `ins_${prefix.replace(/\W/g, '')}`;
  const standIn = { instanceId, seedUsers: SEEDED, seed: prefix.length, rateLimit: null };
  const service = await startTestService({ ...options, names, hooks, standIn });
  await service.startWorker();
  return { service, names, told };
}

test('two services with prefixes of their own share a namespace, and each table has its own users only', async () => {
  const [alpha, beta] = sides as [Side, Side];
  // One id that both have, so that equal workflow IDs would meet.
  const both = 'user_both';
  const refetched = sides.map(
    ({ service }) => service.standIn.users.createUser({ email_address: ['new@example.com'] }).id,
  );
  for (const [at, { service, names }] of sides.entries()) {
    const { instanceId } = service.standIn;
    const signalUser = createUserSignaler({
      client: service.client,
      lingerMs: 60_000,
      names,
      deadlineMs: 60_000,
    });
    const changes = Array.from({ length: 10 }, (_, n) =>
      snapshotChange(`user_${at === 0 ? 'a' : 'b'}${n}`, T0),
    );
    const common = snapshotChange(both, T0, { first_name: instanceId });
    const refetch: RefetchChange = {
      kind: 'refetch',
      writer: 'webhook',
      clerkUserId: refetched[at] ?? '',
      observedAtMs: T0,
      instanceId,
      svixId: null,
    };
    await Promise.all([
      ...[...changes, common].map((change) => signalUser({ ...change, instanceId }, 1_000)),
      signalUser(refetch, 100),
    ]);
  }
  const results = await Promise.all(
    sides.map(({ service, names }) =>
      service.client.workflow.execute(reconcileUsers, {
        workflowId: names.reconcileByHandWorkflowId(T0),
        taskQueue: names.syncTaskQueue,
        args: [{ kind: 'sweep' }],
      }),
    ),
  );
  expect(results.map(({ failed }) => failed)).toEqual([0, 0]);
  for (const [at, { service, told }] of sides.entries()) {
    const letter = at === 0 ? 'a' : 'b';
    const expected = [
      ...service.standIn.users.ids(),
      ...Array.from({ length: 10 }, (_, n) => `user_${letter}${n}`),
      both,
    ].sort();
    const ids = async () =>
      (await service.db.user.findMany({ select: { clerkId: true } })).map(({ clerkId }) => clerkId).sort();
    await waitUntil(async () => (await ids()).length >= expected.length, {
      describe: ids,
      timeoutMs: 60_000,
    });
    expect(await ids()).toEqual(expected);
    expect(await service.db.user.findUnique({ where: { clerkId: both } })).toMatchObject({
      firstName: service.standIn.instanceId,
    });
    await waitUntil(() => told.length >= expected.length, { describe: () => told, timeoutMs: 60_000 });
    expect([...told].sort()).toEqual(expected);
    expect(await service.db.syncFailure.count()).toBe(0);
    expect(await service.db.syncedInstance.findMany()).toMatchObject([
      { instanceId: service.standIn.instanceId },
    ]);
  }
  const { client } = alpha.service;
  await expect(client.schedule.getHandle(alpha.names.hooksScheduleId).describe()).resolves.toBeDefined();
  await expect(client.schedule.getHandle(beta.names.hooksScheduleId).describe()).resolves.toBeDefined();
}, 180_000);
