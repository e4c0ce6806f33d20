import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { restoreSymlinks } from '../../src/embedded/restore-symlinks.js';
import { makeTemporaryFolder, type TemporaryFolder } from './temporary-folder.js';

let folder: TemporaryFolder;
beforeEach(async () => {
  folder = await makeTemporaryFolder();
});
afterEach(() => folder.remove());

test('library names that npm left out are there again, and a second time changes nothing', async () => {
  const lib = path.join(folder.path, 'native', 'lib');
  await mkdir(lib, { recursive: true });
  await writeFile(path.join(lib, 'libpq.so.5.18'), 'a library');
  await writeFile(
    path.join(folder.path, 'native', 'pg-symlinks.json'),
    JSON.stringify([{ source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so.5' }]),
  );
  await restoreSymlinks(folder.path);
  await restoreSymlinks(folder.path);
  expect(await readFile(path.join(lib, 'libpq.so.5'), 'utf8')).toBe('a library');
});

test('a package that needs no links is left as it is', async () => {
  await expect(restoreSymlinks(folder.path)).resolves.toBeUndefined();
});
