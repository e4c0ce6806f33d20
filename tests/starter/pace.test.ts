import { expect, test } from '@jest/globals';
import { createPace } from '../../src/starter/pace.js';

test('a key may so often in a stretch, and again after it; others do not count', () => {
  let nowMs = 0;
  const mayOnceMore = createPace(2, 1_000, () => nowMs);
  expect(['a', 'a', 'a', 'b', 'a'].map(mayOnceMore)).toEqual([true, true, false, true, false]);
  nowMs = 999;
  expect(mayOnceMore('a')).toBe(false);
  nowMs = 1_000;
  expect(['a', 'a', 'a'].map(mayOnceMore)).toEqual([true, true, false]);
});

test('keys are forgotten once many are there, those of a running stretch are not', () => {
  let nowMs = 0;
  const mayOnceMore = createPace(1, 1_000, () => nowMs);
  for (let n = 0; n < 10_000; n++) mayOnceMore(`old ${n}`);
  nowMs = 1_000;
  expect(mayOnceMore('new')).toBe(true);
  for (let n = 0; n < 10_000; n++) mayOnceMore(`newer ${n}`);
  expect(mayOnceMore('new')).toBe(false);
});

test('many keys of running stretches make no call slow', () => {
  const mayOnceMore = createPace(1, 1_000, () => 0);
  for (let n = 0; n < 100_000; n++) mayOnceMore(`running ${n}`);
  // The shortest of several, so that what else this machine does is not counted.
  const durationsMs = Array.from({ length: 10 }, (_, round) => {
    const begunAtMs = performance.now();
    for (let n = 0; n < 1_000; n++) mayOnceMore(`new ${round} ${n}`);
    return performance.now() - begunAtMs;
  });
  expect(Math.min(...durationsMs)).toBeLessThan(200);
});
