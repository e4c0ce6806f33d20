import type { UserRow } from './db/read-user.js';
import type { UserHookKind, Writer } from './user-change.js';
import type { UserMapping } from './user-mapping.js';

export type { UserHookKind } from './user-change.js';

/** One change of one user, as the log has it. With mapped columns, `Row` is `UserRow<typeof mapping>`. */
export interface UserHookEvent<Row extends UserRow = UserRow> {
  /**
   * `created`: the user is there for the first time, exactly once a user. `restored`: the user is there again, after a
   * deletion or after somebody removed the row by hand. `deleted`: also for a user who never was there.
   */
  kind: UserHookKind;
  clerkUserId: string;
  /** The user's revision after this change; the row may have gone on since. */
  revision: number;
  /** Names of the fields that changed, as the log speaks of them; empty unless `updated` or `restored`. */
  changedFields: readonly string[];
  /** Who wrote it. A first sweep's users are `created` by `reconcile`. */
  writer: Writer;
  /** Clerk's `updated_at` at this change. */
  clerkUpdatedAt: Date;
  /** When the change was written here. */
  changedAt: Date;
  /**
   * The row as it is now, later changes included, with the columns that the worker's mapping fills; a deleted user's has
   * `deletedAt`. null: it was removed.
   */
  user: Row | null;
}

export interface UserHookContext {
  /** From 1, counting this call. */
  attempt: number;
  /** Aborted when the call takes too long, or its worker stops: whatever comes of it then, it is called again. */
  signal: AbortSignal;
  /** The same at every attempt of one change, and of no other change: for APIs that take such a key. */
  idempotencyKey: string;
}

/** Done once it returns. Throws: it is called again, later, and the user's later changes wait. */
export type UserHook<Row extends UserRow = UserRow> = (
  event: UserHookEvent<Row>,
  context: UserHookContext,
) => Promise<void> | void;

export interface UserHooks<Row extends UserRow = UserRow> {
  onUserCreated?: UserHook<Row>;
  onUserUpdated?: UserHook<Row>;
  onUserDeleted?: UserHook<Row>;
  /** Default: `onUserUpdated`, whose event is then of the kind `restored`. */
  onUserRestored?: UserHook<Row>;
  /**
   * What becomes of those whom Clerk had before hooks were on, when the first sweep creates their rows. `call` (default):
   * `onUserCreated` is called for each. `skip`: it is not; their later changes are told. Read when hooks are turned on,
   * which a worker that has them does once for the database.
   */
  existingUsers?: 'call' | 'skip';
  /** Longest time of one call, milliseconds. Default 60,000. */
  timeoutMs?: number;
}

const HOOKS = ['onUserCreated', 'onUserUpdated', 'onUserDeleted', 'onUserRestored'] as const;

/**
 * What the application wants to hear of its users. Each change of a user is told at least once, in order, by a Temporal
 * activity that is tried again until it goes through. With `defineUserHooks<typeof mapping>` the hooks' `user` has the
 * columns of that mapping, by type.
 *
 * @param hooks those that are left out have nothing to do.
 * @returns the same, checked.
 * @throws Error that names what is misspelt or of the wrong kind.
 * @remarks A hook is called again when its worker ended amid a call: it should be harmless to repeat, or hand on
 *   `idempotencyKey`.
 */
export function defineUserHooks<Mapping extends UserMapping | undefined = undefined>(
  hooks: UserHooks<UserRow<Mapping>>,
): UserHooks<UserRow<Mapping>> {
  const problems = Object.entries(hooks).flatMap(([name, value]: [string, unknown]) => {
    if (value === undefined) return [];
    if (name === 'timeoutMs')
      return Number.isSafeInteger(value) && Number(value) > 0
        ? []
        : ['timeoutMs must be a whole number above 0'];
    if (name === 'existingUsers')
      return value === 'call' || value === 'skip' ? [] : ['existingUsers must be call or skip'];
    if (!(HOOKS as readonly string[]).includes(name))
      return [`${name} is unknown; there are ${HOOKS.join(', ')}, existingUsers and timeoutMs`];
    return typeof value === 'function' ? [] : [`${name} must be a function`];
  });
  // Those of a class are no properties of its instance: each change would be taken for one that nobody wants to hear of.
  for (const name of HOOKS)
    if (hooks[name] !== undefined && !Object.hasOwn(hooks, name))
      problems.push(`${name} is a method of a class; give an object with a function of that name`);
  if (problems.length > 0) throw new Error(`defineUserHooks: ${problems.join('; ')}.`);
  return Object.freeze({ ...hooks });
}

/** @returns the hook that hears of changes of this kind, if there is one. */
export function hookFor(hooks: UserHooks, kind: UserHookKind): UserHook | undefined {
  switch (kind) {
    case 'created':
      return hooks.onUserCreated;
    case 'updated':
      return hooks.onUserUpdated;
    case 'deleted':
      return hooks.onUserDeleted;
    case 'restored':
      return hooks.onUserRestored ?? hooks.onUserUpdated;
  }
}
