import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { type ClerkSyncConfig, isClerkSyncConfig } from '../clerk-sync-config.js';

/**
 * Loads the module that CLERK_SYNC_CONFIG names.
 *
 * @param file its path, from the working directory; without one, nothing is configured in code.
 * @throws Error that names the file, what is wrong with it and what to do.
 */
export async function loadClerkSyncConfig(file: string | undefined): Promise<ClerkSyncConfig> {
  if (file === undefined) return {};
  const wholePath = path.resolve(file);
  const what = `CLERK_SYNC_CONFIG=${file}`;
  if (!existsSync(wholePath))
    throw new Error(`${what}: there is no file ${wholePath}. Correct the setting, or create the file.`);
  const loaded: unknown = await import(pathToFileURL(wholePath).href).catch((cause: unknown) => {
    const said = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    throw new Error(`${what} cannot be loaded: ${said}`, { cause });
  });
  const exported = defaultOf(loaded);
  // To Node the default of CommonJS is all that it exports, which TypeScript's and Babel's output marks.
  const isTranspiled = typeof exported === 'object' && exported !== null && '__esModule' in exported;
  const config = isTranspiled ? defaultOf(exported) : exported;
  if (config === undefined)
    throw new Error(
      `${what} has no default export. It must end in one: export default defineClerkSync({ … }).`,
    );
  if (!isClerkSyncConfig(config))
    throw new Error(
      `${what}: its default export was not made by defineClerkSync. Write: export default defineClerkSync({ … }).`,
    );
  return config;
}

const defaultOf = (loaded: unknown): unknown =>
  typeof loaded === 'object' && loaded !== null && 'default' in loaded ? loaded.default : undefined;
