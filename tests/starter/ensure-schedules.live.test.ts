import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type ScheduleOptions, ScheduleOverlapPolicy } from '@temporalio/client';
import { RECONCILE_SCHEDULE_ID, SWEEP_SCHEDULE_ID, SYNC_TASK_QUEUE } from '../../src/names.js';
import { ensureSchedules, type ScheduleSettings } from '../../src/starter/ensure-schedules.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { waitUntil } from '../support/wait-until.js';

const HOUR_MS = 3_600_000;
/** Both so long that no tick falls into a test by itself. */
const RARELY: ScheduleSettings = { reconcileIntervalMs: 6 * HOUR_MS, sweepIntervalMs: 12 * HOUR_MS };
const IDS = [RECONCILE_SCHEDULE_ID, SWEEP_SCHEDULE_ID];

let service: TestService;
beforeAll(async () => {
  service = await startTestService({ standIn: { seedUsers: 5, rateLimit: null } });
});
afterAll(() => service.stop());
afterEach(async () => {
  await Promise.all(
    IDS.map((id) =>
      schedule(id)
        .delete()
        .catch(() => undefined),
    ),
  );
  for await (const { workflowId } of service.client.workflow.list({ query: "ExecutionStatus = 'Running'" })) {
    await service.client.workflow
      .getHandle(workflowId)
      .terminate()
      .catch(() => undefined);
  }
});

const schedule = (id: string) => service.client.schedule.getHandle(id);
const ensure = (settings = RARELY) => ensureSchedules(service.client, settings);
/** Changes with every update of the schedule. */
const conflictTokens = () =>
  Promise.all(
    IDS.map(async (id) =>
      Buffer.from((await schedule(id).describe()).raw.conflictToken ?? []).toString('hex'),
    ),
  );
const actionsOf = async (id: string) => (await schedule(id).describe()).info.numActionsTaken;

describe('where there are none', () => {
  test('both are created: intervals, what they start, SKIP, and a catch-up window of a minute', async () => {
    await ensure();
    for (const [id, everyMs, kind] of [
      [RECONCILE_SCHEDULE_ID, RARELY.reconcileIntervalMs, 'auto'],
      [SWEEP_SCHEDULE_ID, RARELY.sweepIntervalMs, 'sweep'],
    ] as const) {
      const { spec, action, policies, state } = await schedule(id).describe();
      expect(spec.intervals).toEqual([expect.objectContaining({ every: everyMs })]);
      expect(action).toMatchObject({
        workflowType: 'reconcileUsers',
        taskQueue: SYNC_TASK_QUEUE,
        workflowId: id,
        args: [{ kind }],
      });
      expect(policies).toEqual({
        overlap: ScheduleOverlapPolicy.SKIP,
        catchupWindow: 60_000,
        pauseOnFailure: false,
      });
      expect(state.paused).toBe(false);
    }
  });

  test('the first reconcile starts at once, and not a second one beside it', async () => {
    await ensure();
    await waitUntil(async () => (await actionsOf(RECONCILE_SCHEDULE_ID)) === 1, {
      describe: 'the first run',
    });
    await schedule(RECONCILE_SCHEDULE_ID).trigger(ScheduleOverlapPolicy.SKIP);
    await waitUntil(
      async () => (await schedule(RECONCILE_SCHEDULE_ID).describe()).info.numActionsSkippedOverlap === 1,
      {
        describe: 'the run that was triggered on top to be skipped',
      },
    );
    expect(await actionsOf(RECONCILE_SCHEDULE_ID)).toBe(1);
    expect(await actionsOf(SWEEP_SCHEDULE_ID)).toBe(0);
  });

  test('eight processes that start at once all succeed, and one first reconcile comes of it', async () => {
    await Promise.all(Array.from({ length: 8 }, () => ensure()));
    const found: string[] = [];
    await waitUntil(
      async () => {
        found.length = 0;
        for await (const { scheduleId } of service.client.schedule.list()) found.push(scheduleId);
        return found.length >= 2;
      },
      { describe: () => found },
    );
    expect(found.sort()).toEqual(IDS.toSorted());
    await waitUntil(async () => (await actionsOf(RECONCILE_SCHEDULE_ID)) === 1, {
      describe: 'the first run',
    });
    await waitUntil(
      async () =>
        (
          await service.client.workflow.count(
            "WorkflowType = 'reconcileUsers' AND ExecutionStatus = 'Running'",
          )
        ).count === 1,
      { describe: 'one running reconcile' },
    );
  });
});

/** Parts of a schedule, as the Web UI lets one edit them. */
interface ByHand {
  policies?: ScheduleOptions['policies'];
  action?: { taskQueue?: string; workflowType?: string; args?: unknown[] };
  spec?: ScheduleOptions['spec'];
}

describe('where they are', () => {
  test('the same settings change nothing', async () => {
    await ensure();
    await waitUntil(async () => (await actionsOf(RECONCILE_SCHEDULE_ID)) === 1, {
      describe: 'the first run',
    });
    const before = await conflictTokens();
    await ensure();
    await ensure();
    expect(await conflictTokens()).toEqual(before);
    expect(await actionsOf(RECONCILE_SCHEDULE_ID)).toBe(1);
    expect((await schedule(RECONCILE_SCHEDULE_ID).describe()).info.lastUpdatedAt).toBeUndefined();
  });

  test("another interval is taken over, an operator's pause and note are kept, and the other schedule is left alone", async () => {
    await ensure();
    await schedule(SWEEP_SCHEDULE_ID).pause('Maintenance of the database');
    const [reconcileBefore] = await conflictTokens();
    await ensure({ ...RARELY, sweepIntervalMs: 7 * HOUR_MS });
    const { spec, state, policies, action } = await schedule(SWEEP_SCHEDULE_ID).describe();
    expect(spec.intervals).toEqual([expect.objectContaining({ every: 7 * HOUR_MS })]);
    expect(state).toMatchObject({ paused: true, note: 'Maintenance of the database' });
    expect(policies.overlap).toBe(ScheduleOverlapPolicy.SKIP);
    expect(action.args).toEqual([{ kind: 'sweep' }]);
    expect((await conflictTokens())[0]).toBe(reconcileBefore);
  });

  test.each<[string, ByHand]>([
    ['the overlap policy', { policies: { overlap: ScheduleOverlapPolicy.ALLOW_ALL } }],
    ['the catch-up window', { policies: { catchupWindow: '1 day' } }],
    ['the pause on failure', { policies: { pauseOnFailure: true } }],
    ['the task queue', { action: { taskQueue: 'elsewhere' } }],
    ['the workflow', { action: { workflowType: 'syncUser' } }],
    ['the input', { action: { args: [{ kind: 'auto' }] } }],
    ['the intervals', { spec: { intervals: [{ every: '1 minute' }] } }],
  ])('%s, changed by hand, is set right', async (_, { policies = {}, action = {}, spec = {} }) => {
    await ensure();
    const { raw: wanted } = await schedule(SWEEP_SCHEDULE_ID).describe();
    await schedule(SWEEP_SCHEDULE_ID).update((previous) => ({
      ...previous,
      action: { ...previous.action, ...action },
      policies: { ...previous.policies, ...policies },
      spec: { ...previous.spec, ...spec },
    }));
    expect((await schedule(SWEEP_SCHEDULE_ID).describe()).raw.schedule).not.toEqual(wanted.schedule);
    await ensure();
    expect((await schedule(SWEEP_SCHEDULE_ID).describe()).raw.schedule).toEqual(wanted.schedule);
  });
});

test('they fire: reconciles run one after the other, every second if so set, and fill the table', async () => {
  await service.startWorker();
  try {
    await ensure({ ...RARELY, reconcileIntervalMs: 1_000 });
    const completed = () => service.db.reconcileRun.findMany({ where: { status: 'completed' } });
    await waitUntil(async () => (await completed()).length >= 3, { describe: completed });
    expect(await service.db.user.count()).toBe(5);
    const inOrder = (await completed()).sort((a, b) => a.startedAt.getTime() - b.startedAt.getTime());
    for (const [i, { startedAt }] of inOrder.entries()) {
      const before = inOrder[i - 1]?.finishedAt;
      if (before) expect(startedAt.getTime()).toBeGreaterThanOrEqual(before.getTime());
    }
    expect((await completed()).every(({ id }) => id.startsWith(`${RECONCILE_SCHEDULE_ID}-`))).toBe(true);
  } finally {
    await schedule(RECONCILE_SCHEDULE_ID).delete();
    await service.stopWorker();
  }
});
