import { realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, test } from '@jest/globals';

const PACKAGES = ['@temporalio/common', '@temporalio/proto', '@temporalio/worker'];
const root = createRequire(import.meta.url);

/** The copy of protobufjs that a package of ours would load. */
const copyFor = (name: string) =>
  realpathSync(createRequire(root.resolve(`${name}/package.json`)).resolve('protobufjs/package.json'));

/** @temporalio/common reads a history's JSON with one copy the types that @temporalio/proto made with another. */
test('there is one copy of protobufjs, or no recorded history could be replayed', () => {
  const copies = Object.fromEntries(PACKAGES.map((name) => [name, copyFor(name)]));
  const different = new Set(Object.values(copies));
  if (different.size > 1) {
    throw new Error(
      `Several copies of protobufjs are installed: ${JSON.stringify(copies, null, 2)}\n` +
        'Set "protobufjs" in package.json\'s dependencies to a version that all of them accept (npm ls protobufjs ' +
        'names their ranges), then run npm install.',
    );
  }
  expect(different.size).toBe(1);
});

test('that copy is the one that package.json names', () => {
  expect(copyFor('@temporalio/proto')).toBe(realpathSync(root.resolve('protobufjs/package.json')));
});
