import { activityInfo, cancellationSignal } from '@temporalio/activity';
import {
  type ChangeRef,
  noteHookFailure,
  type PendingHookEvent,
  readPendingHook,
  removePendingHook,
} from '../db/pending-hooks.js';
import { readUser } from '../db/read-user.js';
import { hookFor, type UserHook, type UserHooks } from '../user-hooks.js';
import type { ActivityDependencies } from './dependencies.js';
import { hookFailure } from './hook-failure.js';
import { HookTimeout } from './hook-timeout.js';

export type HookDependencies = Pick<ActivityDependencies, 'db' | 'mapping'> & { hooks: UserHooks };

const DEFAULT_TIMEOUT_MS = 60_000;

/** @returns the longest time of one call of a hook. */
export const hookTimeoutMs = ({ timeoutMs = DEFAULT_TIMEOUT_MS }: UserHooks): number => timeoutMs;

/**
 * Calls the application's hook for one change of a user, and then notes that it has been through.
 *
 * @returns `called`; `none` when the application has no hook for that kind; `done` when it has been through before.
 * @throws HOOK_GAVE_UP (not retried: the hook said so); HOOK_FAILED, POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 * @remarks An attempt that ends between the call and the note is made again, and with it the call: at least once.
 */
export async function runUserHook(
  { db, hooks, mapping }: HookDependencies,
  ref: ChangeRef,
): Promise<{ outcome: 'called' | 'none' | 'done' }> {
  const change = await readPendingHook(db, ref);
  if (change === null) return { outcome: 'done' };
  const hook = hookFor(hooks, change.kind);
  if (hook !== undefined) {
    const { changeId, ...event } = change;
    const user = await readUser(db, ref.clerkUserId, { tombstone: true, mapping });
    try {
      await withinTime(hook, { ...event, user }, changeId, hookTimeoutMs(hooks));
    } catch (error) {
      // The worker stops, or the call was skipped: that is not the hook's failure.
      if (cancellationSignal().aborted) throw cancellationSignal().reason;
      const failed = hookFailure(error, change);
      // It only helps to look: what matters is why the hook failed.
      await noteHookFailure(db, ref, failed.message).catch(() => undefined);
      throw failed;
    }
  }
  await removePendingHook(db, ref);
  return { outcome: hook === undefined ? 'none' : 'called' };
}

/** A hook that neither ends nor heeds its signal would otherwise keep its place, and the user's order, for ever. */
async function withinTime(
  hook: UserHook,
  event: Omit<PendingHookEvent, 'changeId'> & Pick<Parameters<UserHook>[0], 'user'>,
  changeId: string,
  timeoutMs: number,
): Promise<void> {
  const late = AbortSignal.timeout(timeoutMs);
  const signal = AbortSignal.any([late, cancellationSignal()]);
  const aborted = new Promise<never>((_, reject) => {
    const stop = () => reject(late.aborted ? new HookTimeout(timeoutMs) : signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
  });
  const { attempt } = activityInfo();
  const idempotencyKey = `${event.clerkUserId}/${changeId}`;
  await Promise.race([(async () => hook(event, { attempt, signal, idempotencyKey }))(), aborted]);
}
