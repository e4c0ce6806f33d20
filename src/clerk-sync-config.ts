import type { UserMapping } from './user-mapping.js';

/** What an application gives the service in code, beside its settings. */
export interface ClerkSyncConfig {
  /** Columns of the application's that are filled from Clerk's data, made by `defineUserMapping`. */
  mapping?: UserMapping;
}

const KNOWN: Record<keyof ClerkSyncConfig, true> = { mapping: true };

/** The same in every copy of this package, for an application's own copy makes the configuration that the command loads. */
const MADE_HERE = Symbol.for('clerk-temporal-sync.config');

/**
 * Makes the default export of the module that the setting CLERK_SYNC_CONFIG names.
 *
 * @throws TypeError when a part is unknown, or was not made by its own function.
 */
export function defineClerkSync(config: ClerkSyncConfig): ClerkSyncConfig {
  for (const name of Object.keys(config))
    if (!Object.hasOwn(KNOWN, name))
      throw new TypeError(`defineClerkSync knows ${Object.keys(KNOWN).join(', ')}, and no ${name}.`);
  if (config.mapping !== undefined && typeof config.mapping.valuesOf !== 'function')
    throw new TypeError('defineClerkSync: mapping must be made by defineUserMapping.');
  return Object.freeze({ ...config, [MADE_HERE]: true });
}

/** @returns whether a value is what {@link defineClerkSync} made, in this or another copy of the package. */
export const isClerkSyncConfig = (value: unknown): value is ClerkSyncConfig =>
  typeof value === 'object' && value !== null && MADE_HERE in value;
