import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { FAILURES } from '../src/failures.js';
import { createStarterMetrics } from '../src/starter/metrics.js';

/** The text under a heading of the README, up to the next heading of any level. */
function section(heading: string): string {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const [, after = ''] = readme.split(new RegExp(`^#+ ${heading}\\s*$`, 'm'));
  return after.split(/^#+ /m)[0] ?? '';
}

/** The codes in the first cells of the table under that heading. */
function firstCells(heading: string): string[] {
  return [...section(heading).matchAll(/^\|\s*`?([A-Z][A-Z_]+)`?\s*\|/gm)].map(([, cell]) => cell ?? '');
}

test('the table of failure codes lists exactly the failures that there are, each once', () => {
  expect(firstCells('Failure codes').sort()).toEqual(Object.keys(FAILURES).sort());
});

test('the table of metrics lists exactly those that /metrics serves, each once, and alerts are on no other', async () => {
  const nothing = () => Promise.reject(new Error('no database'));
  const served = [...(await createStarterMetrics(nothing).text()).matchAll(/^# TYPE (\S+)/gm)].map(
    ([, name]) => name,
  );
  const operating = section('Operating');
  const rows = operating.split('\n').filter((line) => line.startsWith('| `clerk_sync_'));
  const listed = rows.flatMap((row) => (row.split('|')[1] ?? '').match(/clerk_sync_\w+/g) ?? []);
  expect(listed.sort()).toEqual(served.sort());
  const alerts = /Alert on .*/.exec(operating)?.[0].match(/clerk_sync_\w+/g) ?? [];
  expect(alerts.length).toBeGreaterThan(0);
  expect(served).toEqual(expect.arrayContaining(alerts));
});
