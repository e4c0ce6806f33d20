import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  type FactChange,
  foldFacts,
  foldRefetches,
  isNewer,
  type RefetchChange,
  type Version,
} from '../src/user-change.js';

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

const origin = { clerkUserId: 'user_a', writer: 'webhook', instanceId: null, svixId: null } as const;
const fact: fc.Arbitrary<FactChange> = fc.oneof(
  { weight: 3, arbitrary: version.map((at) => ({ ...origin, kind: 'snapshot' as const, ...at, user: {} })) },
  instantMs.map((observedAtMs) => ({ ...origin, kind: 'deletion' as const, observedAtMs })),
);
const facts = fc.array(fact, { minLength: 1, maxLength: 9 });
const inTwoOrders = facts.chain((list) =>
  fc.tuple(
    fc.constant(list),
    fc.shuffledSubarray(list, { minLength: list.length }),
    fc.infiniteStream(fc.nat()),
  ),
);

/** What a change says, without who said it: two of one kind and version are the same to the row. */
const kindAndVersion = (of: FactChange) => ({
  kind: of.kind,
  observedAtMs: of.observedAtMs,
  clerkUpdatedAtMs: of.kind === 'snapshot' ? of.clerkUpdatedAtMs : null,
});

const foldInOrder = (list: readonly FactChange[]) => list.reduce(foldFacts);

/** Folds neighbours wherever `places` points, so that any bracketing comes up. */
function foldAnywhere(list: readonly FactChange[], places: Iterator<number>): FactChange | undefined {
  const left = [...list];
  while (left.length > 1) {
    const at = Number(places.next().value) % (left.length - 1);
    const [a, b] = left.slice(at, at + 2);
    if (a && b) left.splice(at, 2, foldFacts(a, b));
  }
  return left[0];
}

describe('foldFacts', () => {
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
      fc.property(facts, (list) => {
        expect(list.filter((one) => one === foldInOrder(list)).length).toBeGreaterThan(0);
      }),
    );
  });

  test('a deletion outlasts everything, at the time of the latest deletion', () => {
    fc.assert(
      fc.property(facts, (list) => {
        const times = list.filter((one) => one.kind === 'deletion').map((one) => one.observedAtMs);
        fc.pre(times.length > 0);
        expect(foldInOrder(list)).toMatchObject({ kind: 'deletion', observedAtMs: Math.max(...times) });
      }),
    );
  });

  test('of snapshots alone, none is newer than the one that remains', () => {
    fc.assert(
      fc.property(facts, (all) => {
        const list = all.filter((one) => one.kind === 'snapshot');
        fc.pre(list.length > 0);
        const folded = foldInOrder(list);
        expect(list.filter((one) => folded.kind !== 'snapshot' || isNewer(one, folded))).toEqual([]);
      }),
    );
  });
});

test('of refetches the latest remains, untouched', () => {
  const refetch: fc.Arbitrary<RefetchChange> = instantMs.map((observedAtMs) => ({
    ...origin,
    kind: 'refetch' as const,
    observedAtMs,
  }));
  fc.assert(
    fc.property(fc.array(refetch, { minLength: 1, maxLength: 9 }), (list) => {
      const folded = list.reduce(foldRefetches);
      expect(list).toContain(folded);
      expect(folded.observedAtMs).toBe(Math.max(...list.map((one) => one.observedAtMs)));
    }),
  );
});
