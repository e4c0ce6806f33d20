import { defineUserHooks, type UserHooks } from './user-hooks.js';
import type { UserMapping } from './user-mapping.js';

/** What an application gives the service in code, beside its settings. */
export interface ClerkSyncConfig {
  /** Columns of the application's that are filled from Clerk's data, made by `defineUserMapping`. */
  mapping?: UserMapping;
  /** What hears of changes of users; see `defineUserHooks`. */
  hooks?: UserHooks;
}

const KNOWN: Record<keyof ClerkSyncConfig, true> = { mapping: true, hooks: true };

/** The same in every copy of this package, for an application's own copy makes the configuration that the command loads. */
const MADE_HERE = Symbol.for('clerk-temporal-sync.config');

/**
 * Makes the default export of the module that the setting CLERK_SYNC_CONFIG names.
 *
 * @throws Error when a part is unknown, was not made by its own function, or names something misspelt.
 */
export function defineClerkSync(config: ClerkSyncConfig): ClerkSyncConfig {
  for (const name of Object.keys(config))
    if (!Object.hasOwn(KNOWN, name))
      throw new TypeError(`defineClerkSync knows ${Object.keys(KNOWN).join(', ')}, and no ${name}.`);
  if (config.mapping !== undefined && typeof config.mapping.valuesOf !== 'function')
    throw new TypeError('defineClerkSync: mapping must be made by defineUserMapping.');
  const hooks = config.hooks === undefined ? {} : { hooks: defineUserHooks(config.hooks) };
  return Object.freeze({ ...config, ...hooks, [MADE_HERE]: true });
}

/** @returns whether a value is what {@link defineClerkSync} made, in this or another copy of the package. */
export const isClerkSyncConfig = (value: unknown): value is ClerkSyncConfig =>
  typeof value === 'object' && value !== null && MADE_HERE in value;
