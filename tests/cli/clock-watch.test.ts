import { expect, test } from '@jest/globals';
import { createClockWatch } from '../../src/cli/clock-watch.js';

function watch() {
  const lines: [string, object, string][] = [];
  let nowMs = 0;
  const log = {
    warn: (fields: object, sentence: string) => lines.push(['warn', fields, sentence]),
    info: (fields: object, sentence: string) => lines.push(['info', fields, sentence]),
  };
  return {
    lines,
    clocks: createClockWatch(log as unknown as Parameters<typeof createClockWatch>[0], () => nowMs),
    wait: (ms: number) => {
      nowMs += ms;
    },
  };
}

test('a minute is no difference; more is a warning, with how far and from whom', () => {
  const { lines, clocks } = watch();
  for (const ms of [0, 60_000, -60_000]) clocks.observe('Postgres', ms);
  expect(lines).toEqual([]);
  clocks.observe('Postgres', 600_000);
  clocks.observe('Clerk', -61_000);
  expect(lines).toEqual([
    ['warn', { other: 'Postgres', aheadSeconds: 600 }, "This machine's clock is off: set it, by NTP say"],
    ['warn', { other: 'Clerk', aheadSeconds: -61 }, "This machine's clock is off: set it, by NTP say"],
  ]);
});

test('it is said again every ten minutes, not with each request, and once when it is right again', () => {
  const { lines, clocks, wait } = watch();
  for (let minutes = 0; minutes < 20; minutes++) {
    clocks.observe('Clerk', 600_000);
    wait(60_000);
  }
  expect(lines).toHaveLength(2);
  for (let times = 0; times < 2; times++) clocks.observe('Clerk', 100);
  expect(lines.slice(2)).toEqual([
    ['info', { other: 'Clerk', aheadSeconds: 0 }, "This machine's clock is right again"],
  ]);
});
