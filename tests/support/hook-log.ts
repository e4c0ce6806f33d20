import type { UserHook, UserHookContext, UserHookEvent, UserHooks } from '../../src/user-hooks.js';

export interface HookCall {
  hook: string;
  event: UserHookEvent;
  attempt: number;
  idempotencyKey: string;
}

export interface HookLog {
  hooks: UserHooks;
  calls: HookCall[];
  /** @returns what a user's hooks were called for, in order: the hook, the kind and the revision. */
  of(clerkUserId: string): string[];
  /** Done at each call, after it was logged: throw there, or wait. */
  behave: (event: UserHookEvent, context: UserHookContext) => Promise<void> | void;
}

/** @returns hooks of every kind, and what they were called with. */
export function hookLog(more: Partial<UserHooks> = {}): HookLog {
  const calls: HookCall[] = [];
  const named =
    (hook: string): UserHook =>
    async (event, context) => {
      const { attempt, idempotencyKey } = context;
      calls.push({ hook, event, attempt, idempotencyKey });
      await log.behave(event, context);
    };
  const log: HookLog = {
    calls,
    hooks: {
      onUserCreated: named('onUserCreated'),
      onUserUpdated: named('onUserUpdated'),
      onUserDeleted: named('onUserDeleted'),
      ...more,
    },
    of: (clerkUserId) =>
      calls
        .filter(({ event }) => event.clerkUserId === clerkUserId)
        .map(({ hook, event }) => `${hook} ${event.kind} ${event.revision}`),
    behave: () => undefined,
  };
  return log;
}
