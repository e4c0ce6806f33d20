import { homedir } from 'node:os';
import path from 'node:path';

/** @returns where this user's programs keep what can be downloaded again; in a folder of ours. */
export function defaultCacheFolder(
  env: Record<string, string | undefined>,
  platform = process.platform,
): string {
  const name = 'clerk-temporal-sync';
  if (env.XDG_CACHE_HOME) return path.join(env.XDG_CACHE_HOME, name);
  const home = env.HOME || homedir();
  if (platform === 'darwin') return path.join(home, 'Library', 'Caches', name);
  if (platform === 'win32')
    return path.join(env.LOCALAPPDATA ?? path.join(home, 'AppData', 'Local'), name, 'Cache');
  return path.join(home, '.cache', name);
}
