import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { foldChanges, isNewer, type UserChange, type Version } from '../src/user-change.js';

/** Few values, so that ties are common. */
const instantMs = fc.integer({ min: 0, max: 3 }).map((step) => 1_750_000_000_000 + step);
const version: fc.Arbitrary<Version> = fc.record({ clerkUpdatedAtMs: instantMs, observedAtMs: instantMs });

const same = (a: Version, b: Version) =>
  a.clerkUpdatedAtMs === b.clerkUpdatedAtMs && a.observedAtMs === b.observedAtMs;

describe('isNewer', () => {
  test('of two versions exactly one holds: newer, older, or the same', () => {
    fc.assert(
      fc.property(version, version, (a, b) => {
        expect([isNewer(a, b), isNewer(b, a), same(a, b)].filter(Boolean)).toHaveLength(1);
      }),
    );
  });

  test('newer than newer is newer', () => {
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        fc.pre(isNewer(a, b) && isNewer(b, c));
        expect(isNewer(a, c)).toBe(true);
      }),
    );
  });

  test("Clerk's clock decides, whatever was observed when", () => {
    const late = { clerkUpdatedAtMs: 1000, observedAtMs: 9000 };
    expect(isNewer({ clerkUpdatedAtMs: 1001, observedAtMs: 0 }, late)).toBe(true);
    expect(isNewer({ clerkUpdatedAtMs: 999, observedAtMs: 10_000 }, late)).toBe(false);
  });

  test("with Clerk's clock equal, the later observed is newer", () => {
    const a = { clerkUpdatedAtMs: 1000, observedAtMs: 5000 };
    expect(isNewer({ ...a, observedAtMs: 5001 }, a)).toBe(true);
    expect(isNewer(a, { ...a })).toBe(false);
  });
});

const origin = { clerkUserId: 'user_a', writer: 'webhook', svixId: null } as const;
const change: fc.Arbitrary<UserChange> = fc.oneof(
  { weight: 3, arbitrary: version.map((at) => ({ ...origin, kind: 'snapshot' as const, ...at, user: {} })) },
  instantMs.map((observedAtMs) => ({ ...origin, kind: 'deletion' as const, observedAtMs })),
  instantMs.map((observedAtMs) => ({ ...origin, kind: 'refetch' as const, observedAtMs })),
);
const changes = fc.array(change, { minLength: 1, maxLength: 9 });
const inTwoOrders = changes.chain((list) =>
  fc.tuple(
    fc.constant(list),
    fc.shuffledSubarray(list, { minLength: list.length }),
    fc.infiniteStream(fc.nat()),
  ),
);

/** What a change says, without who said it: two of one kind and version are the same to the row. */
const kindAndVersion = (of: UserChange) => ({
  kind: of.kind,
  observedAtMs: of.observedAtMs,
  clerkUpdatedAtMs: of.kind === 'snapshot' ? of.clerkUpdatedAtMs : null,
});

const foldInOrder = (list: readonly UserChange[]) => list.reduce(foldChanges);

/** Folds neighbours wherever `places` points, so that any bracketing comes up. */
function foldAnywhere(list: readonly UserChange[], places: Iterator<number>): UserChange | undefined {
  const left = [...list];
  while (left.length > 1) {
    const at = Number(places.next().value) % (left.length - 1);
    const [a, b] = left.slice(at, at + 2);
    if (a && b) left.splice(at, 2, foldChanges(a, b));
  }
  return left[0];
}

describe('foldChanges', () => {
  test('any order and any grouping of one list leaves a change of the same kind and version', () => {
    fc.assert(
      fc.property(inTwoOrders, ([list, shuffled, places]) => {
        const folded = foldAnywhere(shuffled, places);
        expect(folded && kindAndVersion(folded)).toEqual(kindAndVersion(foldInOrder(list)));
      }),
      { numRuns: 500 },
    );
  });

  test('what remains is one of the changes, untouched', () => {
    fc.assert(
      fc.property(changes, (list) => {
        expect(list.filter((one) => one === foldInOrder(list)).length).toBeGreaterThan(0);
      }),
    );
  });

  test('a deletion outlasts everything, at the time of the latest deletion', () => {
    fc.assert(
      fc.property(changes, (list) => {
        const times = list.filter((one) => one.kind === 'deletion').map((one) => one.observedAtMs);
        fc.pre(times.length > 0);
        expect(foldInOrder(list)).toMatchObject({ kind: 'deletion', observedAtMs: Math.max(...times) });
      }),
    );
  });

  test('a refetch outlasts every snapshot, even a newer one', () => {
    fc.assert(
      fc.property(changes, (all) => {
        const list = all.filter((one) => one.kind !== 'deletion');
        const times = list.filter((one) => one.kind === 'refetch').map((one) => one.observedAtMs);
        fc.pre(times.length > 0);
        expect(foldInOrder(list)).toMatchObject({ kind: 'refetch', observedAtMs: Math.max(...times) });
      }),
    );
  });

  test('of snapshots alone, none is newer than the one that remains', () => {
    fc.assert(
      fc.property(changes, (all) => {
        const list = all.filter((one) => one.kind === 'snapshot');
        fc.pre(list.length > 0);
        const folded = foldInOrder(list);
        expect(list.filter((one) => folded.kind !== 'snapshot' || isNewer(one, folded))).toEqual([]);
      }),
    );
  });
});
