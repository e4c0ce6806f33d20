import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { addTotals, noTotals, type ReconcileTotals } from '../src/reconcile-totals.js';

const names = Object.keys(noTotals()) as (keyof ReconcileTotals)[];
const totals = fc.array(fc.nat(), { minLength: names.length, maxLength: names.length }).map((counts) => {
  const made = noTotals();
  for (const [nth, name] of names.entries()) made[name] = counts[nth] ?? 0;
  return made;
});

test('every total is the sum of both, and neither is changed', () => {
  fc.assert(
    fc.property(totals, totals, (a, b) => {
      const before = structuredClone([a, b]);
      const sum = addTotals(a, b);
      for (const name of names) expect(sum[name]).toBe(a[name] + b[name]);
      expect([a, b]).toEqual(before);
    }),
  );
});

test('no totals add nothing', () => {
  fc.assert(
    fc.property(totals, (a) => {
      expect(addTotals(a, noTotals())).toEqual(a);
      expect(addTotals(noTotals(), a)).toEqual(a);
    }),
  );
});
