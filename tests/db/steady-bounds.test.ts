import { describe, expect, test } from '@jest/globals';
import { steadyBounds } from '../../src/db/find-window-bounds.js';

const DAY_MS = 86_400_000;
const T0 = Date.parse('2024-01-01');
/** Ends of windows of a hundred days each; later by so much for every window before. */
const windows = (count: number, laterMs = 0) =>
  Array.from({ length: count + 1 }, (_, n) => T0 + n * (100 * DAY_MS + laterMs));

describe('bounds of windows', () => {
  test('are where the windows begin, moved into the one before by an eighth of it at most', () => {
    const bounds = steadyBounds(windows(4));
    expect(bounds).toHaveLength(3);
    for (const [n, bound] of bounds.entries()) {
      const asked = T0 + (n + 1) * 100 * DAY_MS;
      expect(bound).toBeLessThanOrEqual(asked);
      expect(asked - bound).toBeLessThanOrEqual((100 * DAY_MS) / 8);
    }
  });

  test('stand still while the windows move a little', () => {
    expect(steadyBounds(windows(4, 60_000))).toEqual(steadyBounds(windows(4)));
  });

  test('are not moved the more because one user is from long ago, or from a day to come', () => {
    const [, ...times] = windows(4);
    const strange = [0, ...times.slice(0, -1), T0 + 100_000 * DAY_MS];
    expect(steadyBounds(strange)).toEqual(steadyBounds(windows(4)));
  });

  test('stay apart where many users were imported within milliseconds, or at once', () => {
    const imported = [T0, T0 + 50, T0 + 50, T0 + 51, T0 + 53, T0 + DAY_MS];
    expect(steadyBounds(imported)).toEqual([T0 + 50, T0 + 51, T0 + 53]);
    expect(steadyBounds([T0, T0 + DAY_MS, T0 + DAY_MS])).toEqual([T0 + DAY_MS]);
    expect(steadyBounds([T0, T0, T0, T0])).toEqual([]);
  });

  test('there are none without users', () => {
    expect(steadyBounds([])).toEqual([]);
  });
});
