import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { namesBeside, namesFor, PLAIN_NAMES } from '../src/names.js';

const prefix = fc.stringMatching(/^[A-Za-z0-9_-]{0,20}$/);
/** All of them, as texts. */
const allOf = (names: ReturnType<typeof namesFor>): string[] =>
  Object.values(names).map((name) => (typeof name === 'function' ? name('1' as never) : name));

describe('a prefix', () => {
  test('is in every name of a service, once', () => {
    expect(allOf(namesFor('staging-'))).toEqual(
      allOf(PLAIN_NAMES).map((name) =>
        name === PLAIN_NAMES.openHooksQuery
          ? name.replace('"clerk-sync"', '"staging-clerk-sync"')
          : `staging-${name}`,
      ),
    );
  });

  test('is known from each task queue of the service', () => {
    fc.assert(
      fc.property(prefix, (given) => {
        const names = namesFor(given);
        const { syncTaskQueue, refetchTaskQueue, reconcileTaskQueue, hooksTaskQueue } = names;
        for (const queue of [syncTaskQueue, refetchTaskQueue, reconcileTaskQueue, hooksTaskQueue])
          expect(allOf(namesBeside(queue))).toEqual(allOf(names));
      }),
    );
  });
});
