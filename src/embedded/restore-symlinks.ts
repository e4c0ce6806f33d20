import { existsSync } from 'node:fs';
import { readFile, symlink } from 'node:fs/promises';
import path from 'node:path';

/**
 * Makes the links between library names that a PostgreSQL package lists in native/pg-symlinks.json, where they are
 * missing: npm packages carry no symlinks, and npm runs the install script that makes them only where it was allowed to.
 */
export async function restoreSymlinks(packageFolder: string): Promise<void> {
  const listFile = path.join(packageFolder, 'native', 'pg-symlinks.json');
  if (!existsSync(listFile)) return;
  const links = JSON.parse(await readFile(listFile, 'utf8')) as { source: string; target: string }[];
  await Promise.all(
    links.map(async ({ source, target }) => {
      const link = path.join(packageFolder, target);
      if (existsSync(link)) return;
      await symlink(path.relative(path.dirname(target), source), link).catch(
        (error: NodeJS.ErrnoException) => {
          if (error.code !== 'EEXIST') throw error;
        },
      );
    }),
  );
}
