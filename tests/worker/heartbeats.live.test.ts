import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { tsToMs } from '@temporalio/common/lib/time.js';
import { SYNC_TASK_QUEUE, syncUserWorkflowId } from '../../src/names.js';
import { syncUser } from '../../src/workflows/sync-user.js';
import { userChanged } from '../../src/workflows/sync-user-messages.js';
import { snapshotChange } from '../support/clerk-user.js';
import { createPostgresGate, PASS_GATE, type PostgresGate } from '../support/postgres-gate.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { waitUntil } from '../support/wait-until.js';

const ID = 'user_held_up';
/** Above the 3 s between two heartbeats, and below the 8 s after which the SDK sends one by default. */
const MOST_BETWEEN_MS = 6_000;
let service: TestService;
let gate: PostgresGate;

beforeAll(async () => {
  service = await startTestService();
  gate = await createPostgresGate(service.database.url);
  await service.db.$executeRawUnsafe(`CREATE FUNCTION pass_gate() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM ${PASS_GATE}; RETURN NEW; END $$`);
  await service.db
    .$executeRaw`CREATE TRIGGER held_up BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION pass_gate()`;
  await service.startWorker();
});
afterAll(async () => {
  await gate.close();
  await service.stop();
});

test('heartbeats reach Temporal every few seconds, so that a worker on a busy machine may be late with one', async () => {
  await gate.shut();
  const handle = await service.client.workflow.signalWithStart(syncUser, {
    workflowId: syncUserWorkflowId(ID),
    taskQueue: SYNC_TASK_QUEUE,
    args: [{ clerkUserId: ID, lingerMs: 1 }],
    signal: userChanged,
    signalArgs: [[snapshotChange(ID, 1_750_000_000_000)]],
  });
  /** Of the attempt under way; the first is its beginning. */
  let beatsMs: number[] = [];
  let attempt = 0;
  await waitUntil(
    async () => {
      const [activity] = (await handle.describe()).raw.pendingActivities ?? [];
      if (!activity?.lastHeartbeatTime) return false;
      if (activity.attempt !== attempt) beatsMs = [];
      attempt = Number(activity.attempt);
      const beatMs = tsToMs(activity.lastHeartbeatTime);
      if (beatMs !== beatsMs.at(-1)) beatsMs.push(beatMs);
      const [, first = 0, second = Number.POSITIVE_INFINITY] = beatsMs;
      return second - first < MOST_BETWEEN_MS;
    },
    { describe: () => beatsMs },
  );
  await gate.open();
  await expect(handle.result()).resolves.toMatchObject({ lastOutcome: 'created' });
});
