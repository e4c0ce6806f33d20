import { expect, test } from '@jest/globals';
import { pagesPerTask } from '../../src/activities/pages-per-task.js';

test.each([
  [2, 1],
  [5, 1],
  [20, 4],
  [100, 20],
  [1000, 25],
])('at %d requests a second, an activity makes %d', (requestsPerSecond, pages) => {
  expect(pagesPerTask({ requestsPerSecond })).toBe(pages);
});

test('what is set is taken', () => {
  expect(pagesPerTask({ requestsPerSecond: 20, pagesPerTask: 1 })).toBe(1);
});
