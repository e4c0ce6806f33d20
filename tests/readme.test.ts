import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { FAILURES } from '../src/failures.js';

/** The first cells of the table under a heading of the README, up to the next heading of any level. */
function firstCells(heading: string): string[] {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const [, after = ''] = readme.split(new RegExp(`^#+ ${heading}\\s*$`, 'm'));
  const [section = ''] = after.split(/^#+ /m);
  return [...section.matchAll(/^\|\s*`?([A-Z][A-Z_]+)`?\s*\|/gm)].map(([, cell]) => cell ?? '');
}

test('the table of failure codes lists exactly the failures that there are, each once', () => {
  expect(firstCells('Failure codes').sort()).toEqual(Object.keys(FAILURES).sort());
});
