import { isDeepStrictEqual } from 'node:util';
import {
  type Client,
  ScheduleAlreadyRunning,
  type ScheduleDescription,
  ScheduleOverlapPolicy,
} from '@temporalio/client';
import { type Names, PLAIN_NAMES } from '../names.js';
import type { ReconcileInput } from '../workflows/reconcile-messages.js';
import { reconcileUsers } from '../workflows/reconcile-users.js';

export interface ScheduleSettings {
  reconcileIntervalMs: number;
  sweepIntervalMs: number;
}

/** What is left out keeps Temporal's default. A missed tick is worth catching up on for a minute, not for a year. */
const policies = {
  overlap: ScheduleOverlapPolicy.SKIP,
  catchupWindow: 60_000,
  pauseOnFailure: false,
} as const;

/**
 * Sees to it that both reconcile schedules exist with these settings. An existing one is updated only where it differs,
 * and keeps its state: an operator's pause and note outlive a deployment.
 *
 * @remarks Safe to call from several processes at once: one creates, the others find it.
 * @see https://docs.temporal.io/schedule
 */
export async function ensureSchedules(
  client: Client,
  settings: ScheduleSettings,
  names: Names = PLAIN_NAMES,
): Promise<void> {
  const { reconcileIntervalMs, sweepIntervalMs } = settings;
  await ensureSchedule(
    client,
    { scheduleId: names.reconcileScheduleId, taskQueue: names.syncTaskQueue },
    { every: reconcileIntervalMs, offset: 0 },
    { kind: 'auto' },
  );
  // Intervals count from the epoch: without an offset the hourly sweep would always fall on a tick.
  const offset = Math.floor(reconcileIntervalMs / 2) % sweepIntervalMs;
  await ensureSchedule(
    client,
    { scheduleId: names.sweepScheduleId, taskQueue: names.syncTaskQueue },
    { every: sweepIntervalMs, offset },
    { kind: 'sweep' },
  );
}

/** Milliseconds. */
interface Interval {
  every: number;
  offset: number;
}

async function ensureSchedule(
  client: Client,
  { scheduleId, taskQueue }: { scheduleId: string; taskQueue: string },
  interval: Interval,
  input: ReconcileInput,
): Promise<void> {
  const spec = { intervals: [interval] };
  const action = {
    type: 'startWorkflow' as const,
    workflowType: reconcileUsers,
    workflowId: scheduleId,
    taskQueue,
    args: [input] as [ReconcileInput],
  };
  try {
    const handle = await client.schedule.create({ scheduleId, spec, action, policies });
    // Not to wait for the first tick; where the interval is an hour, the other schedule is there sooner. Without SKIP,
    // a trigger would run beside the tick.
    if (input.kind === 'auto') await handle.trigger(ScheduleOverlapPolicy.SKIP);
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    const handle = client.schedule.getHandle(scheduleId);
    if (isAsWanted(await handle.describe(), interval, input, taskQueue)) return;
    await handle.update((previous) => ({ ...previous, spec, action, policies }));
  }
}

function isAsWanted(
  { spec, action, policies: found }: ScheduleDescription,
  interval: Interval,
  input: ReconcileInput,
  taskQueue: string,
): boolean {
  const wanted = [
    [interval],
    reconcileUsers.name,
    taskQueue,
    [input],
    policies.overlap,
    policies.catchupWindow,
    policies.pauseOnFailure,
  ];
  const actual = [
    spec.intervals?.map(({ every, offset = 0 }) => ({ every, offset })),
    action.workflowType,
    action.taskQueue,
    action.args,
    found.overlap,
    found.catchupWindow,
    found.pauseOnFailure,
  ];
  return isDeepStrictEqual(actual, wanted);
}
