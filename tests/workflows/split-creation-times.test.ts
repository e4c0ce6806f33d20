import { describe, expect, test } from '@jest/globals';
import { splitCreationTimes } from '../../src/workflows/split-creation-times.js';

const NOW_MS = Date.UTC(2026, 10, 1);
const DAY_MS = 86_400_000;

interface Split {
  bounds: number[];
  /** How many users each window has. */
  sizes: number[];
  /** How often Clerk was asked, for one time each. */
  requests: number;
  /** How often it was waited for. */
  rounds: number;
}

/** Splits these creation times as a first sweep does: all there is to know comes from counts. */
async function split(createdAtMs: number[], windows: number, lastMs = NOW_MS): Promise<Split> {
  const asked: number[][] = [];
  const before = (ms: number) => createdAtMs.filter((created) => created < ms).length;
  const bounds = await splitCreationTimes(
    { firstMs: 0, lastMs, users: createdAtMs.length, windows },
    async (timesMs) => {
      asked.push(timesMs);
      return timesMs.map(before);
    },
  );
  const edges = [0, ...bounds.map(before), createdAtMs.length];
  return {
    bounds,
    sizes: edges.slice(1).map((edge, at) => edge - (edges[at] ?? 0)),
    requests: asked.flat().length,
    rounds: asked.length,
  };
}

const USERS = 4_000;
const times = (timeOf: (share: number) => number) =>
  Array.from({ length: USERS }, (_, n) => Math.round(timeOf(n / USERS)));
const since = (days: number) => NOW_MS - days * DAY_MS;

const GROWTHS: [string, number[]][] = [
  ['evenly over two years', times((share) => since(730) + share * 730 * DAY_MS)],
  [
    'in a service that doubles each month',
    times((share) => NOW_MS - 60 * DAY_MS * -Math.log2(share + 0.001)),
  ],
  ['long ago, and none since', times((share) => since(3_000) + share * 30 * DAY_MS)],
  [
    'by an import in a single day, and then slowly',
    [
      ...times((share) => since(400) + share * DAY_MS).slice(0, USERS / 2),
      ...times((share) => since(399) + share * 399 * DAY_MS).slice(0, USERS / 2),
    ],
  ],
  ['with dates of another service, from 1990 on', times((share) => Date.UTC(1990) + share * 9_000 * DAY_MS)],
];

describe('users who came', () => {
  test.each(GROWTHS)('%s fall into windows that are about as large', async (_, createdAtMs) => {
    const { bounds, sizes, requests } = await split(createdAtMs, 8);
    expect(sizes).toHaveLength(8);
    // 15 % at either end.
    expect(Math.max(...sizes)).toBeLessThanOrEqual((USERS / 8) * 1.3);
    expect(bounds).toEqual([...bounds].sort((a, b) => a - b));
    expect(requests).toBeLessThanOrEqual(7 * 12);
  });

  test('evenly are split within few rounds, since each is waited for', async () => {
    const { rounds } = await split(
      times((share) => since(730) + share * 730 * DAY_MS),
      16,
    );
    expect(rounds).toBeLessThanOrEqual(8);
  });
});

describe('when no cut can help', () => {
  test('because all users came within one millisecond, the search ends, and no window is lost', async () => {
    const { bounds, sizes, rounds } = await split(Array(USERS).fill(since(10)), 8);
    expect(bounds.length).toBeLessThanOrEqual(7);
    expect(sizes.reduce((a, b) => a + b)).toBe(USERS);
    expect(rounds).toBeLessThanOrEqual(12);
  });

  test('because half of them came within one, the others are split all the same', async () => {
    const half = USERS / 2;
    const { sizes } = await split(
      [
        ...Array(half).fill(since(365)),
        ...times((share) => since(364) + share * 364 * DAY_MS).slice(0, half),
      ],
      8,
    );
    expect(Math.max(...sizes)).toBeLessThanOrEqual(half + (USERS / 8) * 1.3);
    expect(sizes.filter((size) => size > 0).length).toBeGreaterThanOrEqual(4);
  });

  test('because there is nobody, there is no cut', async () => {
    expect(await split([], 8)).toMatchObject({ bounds: [], sizes: [0], requests: 0 });
  });

  test('because there are fewer users than windows, no cut stands twice', async () => {
    const { bounds, sizes } = await split([since(300), since(200), since(100)], 8);
    expect(new Set(bounds).size).toBe(bounds.length);
    expect(sizes.reduce((a, b) => a + b)).toBe(3);
  });
});

test('users who come or go while it counts do not confuse it', async () => {
  const createdAtMs = times((share) => since(730) + share * 730 * DAY_MS);
  let asked = 0;
  const bounds = await splitCreationTimes(
    { firstMs: 0, lastMs: NOW_MS, users: USERS, windows: 8 },
    async (timesMs) =>
      timesMs.map((ms) => createdAtMs.filter((created) => created < ms).length + (++asked % 3) * 20),
  );
  expect(bounds).toHaveLength(7);
  expect(bounds).toEqual([...new Set(bounds)].sort((a, b) => a - b));
  expect(bounds.every((ms) => ms > 0 && ms < NOW_MS)).toBe(true);
});
