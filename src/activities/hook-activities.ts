import { type ChangeRef, listPendingHooks, removePendingHook } from '../db/pending-hooks.js';
import { dispatchUserHooks } from './dispatch-user-hooks.js';
import { heartbeating } from './heartbeating.js';
import { type HookDependencies, hookTimeoutMs, runUserHook } from './run-user-hook.js';

/** A run lists again before its list gets old. */
const MOST_LISTED = 50;

/** The activities of a worker that has hooks, on a task queue that no other worker takes from. */
export function createHookActivities(deps: HookDependencies) {
  return {
    dispatchUserHooks: heartbeating(() => dispatchUserHooks(deps)),
    listPendingHooks: heartbeating(async (clerkUserId: string) => {
      const changes = await listPendingHooks(deps.db, clerkUserId, MOST_LISTED);
      return { changes, more: changes.length === MOST_LISTED, timeoutMs: hookTimeoutMs(deps.hooks) };
    }),
    runUserHook: heartbeating((ref: ChangeRef) => runUserHook(deps, ref)),
    skipUserHook: heartbeating((ref: ChangeRef) => removePendingHook(deps.db, ref)),
  };
}

export type HookActivities = ReturnType<typeof createHookActivities>;
