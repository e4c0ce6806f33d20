import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { WithStartWorkflowOperation, type WorkflowHandle } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import { SYNC_TASK_QUEUE, syncUserWorkflowId } from '../../src/names.js';
import type { RefetchChange, UserChange } from '../../src/user-change.js';
import { syncUser } from '../../src/workflows/sync-user.js';
import { retry, status, syncNow } from '../../src/workflows/sync-user-messages.js';
import { snapshotChange } from '../support/clerk-user.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { waitUntil } from '../support/wait-until.js';

const T0 = 1_750_000_000_000;
let service: TestService;

beforeAll(async () => {
  service = await startTestService({ standIn: { rateLimit: null } });
  await service.startWorker();
});
afterAll(() => service.stop());

let users = 0;
/** Somebody whom Clerk has and nobody told us of. */
const newUser = () =>
  service.standIn.users.createUser({ first_name: 'Ada', email_address: [`now${++users}@example.com`] });
const refetch = (clerkUserId: string): RefetchChange => ({
  kind: 'refetch',
  writer: 'sign-in',
  clerkUserId,
  observedAtMs: Date.now(),
  instanceId: null,
  svixId: null,
});
const withStart = (clerkUserId: string) => ({
  startWorkflowOperation: new WithStartWorkflowOperation(syncUser, {
    workflowId: syncUserWorkflowId(clerkUserId),
    workflowIdConflictPolicy: 'USE_EXISTING',
    taskQueue: SYNC_TASK_QUEUE,
    args: [{ clerkUserId, lingerMs: 60_000 }],
  }),
});
const callWith = (clerkUserId: string, change: UserChange) =>
  service.client.workflow.executeUpdateWithStart(syncNow, {
    ...withStart(clerkUserId),
    args: [change as RefetchChange],
  });
const call = (clerkUserId: string) => callWith(clerkUserId, refetch(clerkUserId));
const row = (clerkId: string) => service.db.user.findUnique({ where: { clerkId } });
const newest = (clerkUserId: string): WorkflowHandle =>
  service.client.workflow.getHandle(syncUserWorkflowId(clerkUserId));
const asked = () => service.standIn.stats.byRoute['GET /v1/users/:id'] ?? 0;

describe('syncNow', () => {
  test('is answered once the row is there, of a user whom nobody told us of', async () => {
    const { id } = newUser();
    expect(await call(id)).toEqual({ outcome: 'created' });
    expect(await row(id)).toMatchObject({ firstName: 'Ada', syncedBy: 'sign-in' });
    expect(await call(id)).toEqual({ outcome: 'unchanged' });
  });

  test('is answered by what Clerk showed after the call, not by an answer that was on its way', async () => {
    const { id } = newUser();
    service.standIn.settings.answerDelayMs = 500;
    try {
      const before = asked();
      const first = call(id);
      await waitUntil(() => asked() > before, { describe: 'the first request to Clerk' });
      service.standIn.users.updateUser(id, { first_name: 'Grace' });
      const others = Array.from({ length: 8 }, () => call(id));
      expect(await first).toEqual({ outcome: 'created' });
      expect(await Promise.all(others)).toEqual(others.map(() => ({ outcome: 'updated' })));
      expect(await row(id)).toMatchObject({ firstName: 'Grace' });
      expect(asked() - before).toBe(2);
    } finally {
      service.standIn.settings.answerDelayMs = 0;
    }
  });

  test('of a user whom Clerk does not have writes nothing, and says so', async () => {
    expect(await call('user_nobody')).toEqual({ outcome: 'ignored' });
    expect(await row('user_nobody')).toBeNull();
  });

  test('waits through an outage of Postgres', async () => {
    const { id } = newUser();
    await service.database.goDown();
    const answer = call(id);
    await waitUntil(
      async () => {
        const described = await newest(id)
          .describe()
          .catch(() => undefined);
        return described?.raw.pendingActivities?.some(({ lastFailure }) => lastFailure);
      },
      { describe: 'a failed attempt' },
    );
    await service.database.comeBack();
    expect(await answer).toEqual({ outcome: 'created' });
  });

  test('that parks the run is answered with the failure, and the next one tries again', async () => {
    await service.db.$executeRaw`ALTER TABLE users ADD CONSTRAINT own_check CHECK (first_name <> 'Refused')`;
    const { id } = service.standIn.users.createUser({
      first_name: 'Refused',
      email_address: ['refused@example.com'],
    });
    const refused = { cause: expect.objectContaining({ type: 'ROW_REJECTED' }) };
    await expect(call(id)).rejects.toMatchObject(refused);
    expect(await newest(id).query(status)).toMatchObject({ state: 'parked' });
    await expect(call(id)).rejects.toMatchObject(refused);
    service.standIn.users.updateUser(id, { first_name: 'Taken' });
    expect(await call(id)).toEqual({ outcome: 'created' });
    expect(await newest(id).query(status)).toMatchObject({ state: 'idle', failure: null });
  });

  test('takes from an operator what its refusal shows', async () => {
    const { id } = newUser();
    const refused = await callWith(id, undefined as never).catch((error: Error) => error);
    const [shown = ''] = /\{.*\}/.exec(String((refused as Error).cause)) ?? [];
    expect(await callWith(id, JSON.parse(shown))).toEqual({ outcome: 'created' });
    expect(await row(id)).toMatchObject({ syncedBy: 'operator' });
  });

  test.each<[string, (id: string) => UserChange]>([
    ['a snapshot, which would put personal data into the history', (id) => snapshotChange(id, T0)],
    ["a webhook's refetch, which waits for nobody", (id) => ({ ...refetch(id), writer: 'webhook' })],
    ['half a change, sent by hand', (id) => ({ kind: 'refetch', clerkUserId: id }) as never],
    ['another user', () => refetch('user_another')],
    ['nothing', () => undefined as never],
  ])('is refused for %s, and leaves no trace', async (_, change) => {
    const { id } = newUser();
    await expect(callWith(id, change(id))).rejects.toMatchObject({
      cause: expect.objectContaining({ type: 'INPUT_INVALID' }),
    });
    const { EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED } = temporal.api.enums.v1.EventType;
    const events = (await newest(id).fetchHistory()).events ?? [];
    expect(
      events.filter(({ eventType }) => eventType === EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED),
    ).toEqual([]);
    expect(await row(id)).toBeNull();
  });
});

test('a run that must continue as new in an outage sends its callers to the next run, which has their change', async () => {
  const { id } = newUser();
  await service.database.goDown();
  try {
    const called = await service.client.workflow.startUpdateWithStart(syncNow, {
      ...withStart(id),
      args: [refetch(id)],
      waitForStage: 'ACCEPTED',
    });
    const { runId } = await newest(id).describe();
    let left = 1_100;
    const sender = async () => {
      while (left-- > 0) await newest(id).signal(retry);
    };
    await Promise.all(Array.from({ length: 10 }, sender));
    expect(await called.result()).toEqual({ outcome: null });
    expect((await newest(id).describe()).runId).not.toBe(runId);
    const next = call(id);
    await service.database.comeBack();
    expect(await next).toMatchObject({ outcome: expect.stringMatching(/^(created|unchanged)$/) });
    expect(await row(id)).toMatchObject({ firstName: 'Ada' });
  } finally {
    await service.database.comeBack();
  }
});
