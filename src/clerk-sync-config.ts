import type { UserRow } from './db/read-user.js';
import { defineUserHooks, type UserHooks } from './user-hooks.js';
import type { UserMapping } from './user-mapping.js';

/** What an application gives the service in code, beside its settings. */
export interface ClerkSyncConfig<Mapping extends UserMapping | undefined = UserMapping | undefined> {
  /** Columns of the application's that are filled from Clerk's data, made by `defineUserMapping`. */
  mapping?: Mapping;
  /** What hears of changes of users, whose rows have the columns of `mapping`; see `defineUserHooks`. */
  hooks?: UserHooks<UserRow<NoInfer<Mapping>>>;
}

const KNOWN: Record<keyof ClerkSyncConfig, true> = { mapping: true, hooks: true };

/** The same in every copy of this package, for an application's own copy makes the configuration that the command loads. */
const MADE_HERE = Symbol.for('clerk-temporal-sync.config');

/**
 * Makes the default export of the module that the setting CLERK_SYNC_CONFIG names.
 *
 * @returns the same, whose `mapping` is typed: `getSyncedUser<typeof config.mapping>(request)`.
 * @throws Error when a part is unknown, was not made by its own function, or names something misspelt.
 */
export function defineClerkSync<Mapping extends UserMapping | undefined = undefined>(
  config: ClerkSyncConfig<Mapping>,
): ClerkSyncConfig & { readonly mapping: Mapping } {
  for (const name of Object.keys(config))
    if (!Object.hasOwn(KNOWN, name))
      throw new TypeError(`defineClerkSync knows ${Object.keys(KNOWN).join(', ')}, and no ${name}.`);
  if (config.mapping !== undefined && typeof config.mapping.valuesOf !== 'function')
    throw new TypeError('defineClerkSync: mapping must be made by defineUserMapping.');
  const hooks = config.hooks === undefined ? {} : { hooks: defineUserHooks(config.hooks) };
  const made: object = Object.freeze({ ...config, ...hooks, [MADE_HERE]: true });
  // Whoever calls the hooks does so with rows that have the columns of this mapping.
  return made as ClerkSyncConfig & { readonly mapping: Mapping };
}

/** @returns whether a value is what {@link defineClerkSync} made, in this or another copy of the package. */
export const isClerkSyncConfig = (value: unknown): value is ClerkSyncConfig =>
  typeof value === 'object' && value !== null && MADE_HERE in value;
