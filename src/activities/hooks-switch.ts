import type { getClient } from '@temporalio/activity';
import { turnOnHooks } from '../db/turn-on-hooks.js';
import { DISPATCH_USER_HOOKS, type Names } from '../names.js';
import type { HookDependencies } from './run-user-hook.js';

/** What a write in a worker of ours tells at once does not wait for it; a sweep's users and sign-ins do. */
const TICK_MS = 5_000;

type Client = ReturnType<typeof getClient>;

/**
 * @returns a function that resolves once changes are noted for hooks and the dispatcher's Schedule is there. What failed
 *   is tried again by the next call; what went through is not done again.
 * @remarks The Schedule is made by workers that have hooks, so that nobody else has to be told that there are hooks. One
 *   that exists is left alone: an operator's pause and interval stay.
 */
export function createHooksSwitch(
  { db, hooks }: HookDependencies,
  client: Client,
  names: Names,
): () => Promise<void> {
  let turned: Promise<void> | undefined;
  const turnOn = async (): Promise<void> => {
    await turnOnHooks(db, hooks.existingUsers === 'skip');
    await ensureSchedule(client, names);
  };
  return () => {
    turned ??= turnOn().catch((error: unknown) => {
      turned = undefined;
      throw error;
    });
    return turned;
  };
}

async function ensureSchedule(client: Client, names: Names): Promise<void> {
  try {
    await client.schedule.create({
      scheduleId: names.hooksScheduleId,
      spec: { intervals: [{ every: TICK_MS }] },
      action: {
        type: 'startWorkflow',
        workflowType: DISPATCH_USER_HOOKS,
        workflowId: names.hooksScheduleId,
        taskQueue: names.syncTaskQueue,
        args: [],
      },
      policies: { overlap: 'SKIP', catchupWindow: 60_000, pauseOnFailure: false },
    });
  } catch (error) {
    if (!(error instanceof Error && error.name === 'ScheduleAlreadyRunning')) throw error;
  }
}
