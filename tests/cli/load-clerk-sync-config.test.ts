import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { defineClerkSync } from '../../src/clerk-sync-config.js';
import { loadClerkSyncConfig } from '../../src/cli/load-clerk-sync-config.js';
import { defineUserMapping } from '../../src/user-mapping.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'clerk-sync-config-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const SOURCES = pathToFileURL(path.resolve('src')).href;
const IMPORTS = `import { defineClerkSync } from '${SOURCES}/clerk-sync-config.ts';
import { defineUserMapping } from '${SOURCES}/user-mapping.ts';`;
let files = 0;
function fileWith(code: string): string {
  const file = path.join(folder, `config${++files}.mjs`);
  writeFileSync(file, code);
  return file;
}

test('without a file nothing is configured', async () => {
  expect(await loadClerkSyncConfig(undefined)).toEqual({});
});

test('the default export of the file is the configuration, its path absolute or from the working directory', async () => {
  const file = fileWith(`${IMPORTS}
export default defineClerkSync({
  mapping: defineUserMapping({ plan: { type: 'text', from: (user) => user.public_metadata.plan } }),
});`);
  for (const given of [file, path.relative(process.cwd(), file)]) {
    const { mapping } = await loadClerkSyncConfig(given);
    expect(mapping?.columns).toEqual([{ name: 'plan', type: 'text' }]);
    expect(mapping?.valuesOf({ public_metadata: { plan: 'pro' } }).values).toEqual(['pro']);
  }
});

test('a file that TypeScript turned into CommonJS is read as it was meant', async () => {
  const file = path.join(folder, 'config.cjs');
  writeFileSync(
    file,
    `Object.defineProperty(exports, '__esModule', { value: true });
exports.default = { [Symbol.for('clerk-temporal-sync.config')]: true };`,
  );
  expect(await loadClerkSyncConfig(file)).toEqual(defineClerkSync({}));
});

test.each([
  ['does not exist', () => path.join(folder, 'nowhere.mjs'), /there is no file .+nowhere\.mjs\. Correct/],
  ['throws', () => fileWith("throw new RangeError('too far');"), / cannot be loaded: RangeError: too far$/],
  ['has no default export', () => fileWith('export const mapping = 1;'), / has no default export\. It must/],
  [
    'exports an object of its own',
    () => fileWith('export default {};'),
    / was not made by defineClerkSync\./,
  ],
])('a file that %s is an error that names the setting', async (_, file, problem) => {
  const loading = loadClerkSyncConfig(file());
  await expect(loading).rejects.toThrow(/^CLERK_SYNC_CONFIG=/);
  await expect(loading).rejects.toThrow(problem);
});

test('defineClerkSync refuses what it does not know, and a mapping that defineUserMapping did not make', () => {
  const define = defineClerkSync as (config: object) => unknown;
  expect(() => define({ mappings: {} })).toThrow('defineClerkSync knows mapping, hooks, and no mappings.');
  expect(() => define({ mapping: { plan: { type: 'text' } } })).toThrow('made by defineUserMapping');
  expect(() => define({ hooks: { onUserCreate: () => undefined } })).toThrow('onUserCreate is unknown');
  expect(define({ mapping: defineUserMapping({ plan: { type: 'text', from: () => null } }) })).toMatchObject(
    {},
  );
});
