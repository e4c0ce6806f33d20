import { expect, test } from '@jest/globals';
import { failureCode } from '../../src/failures.js';
import { shareRead } from '../../src/starter/share-read.js';
import { deferred } from './deferred.js';

test('all who ask at the same time share one read, and its answer', async () => {
  let reads = 0;
  const answer = deferred<number>();
  const read = shareRead(() => {
    reads += 1;
    return answer.promise;
  }, 60_000);
  const asked = [read(), read()];
  answer.resolve(7);
  expect(await Promise.all(asked)).toEqual([7, 7]);
  expect(reads).toBe(1);
  await read();
  expect(reads).toBe(2);
});

test('a read that hangs is told as late, and not begun twice', async () => {
  let reads = 0;
  const answer = deferred<number>();
  const read = shareRead(() => {
    reads += 1;
    return answer.promise;
  }, 20);
  for (let n = 0; n < 2; n += 1)
    expect(failureCode(await read().catch((error: unknown) => error))).toBe('POSTGRES_UNAVAILABLE');
  expect(reads).toBe(1);
  answer.resolve(7);
  expect(await read()).toBe(7);
});

test('a read that fails fails for all who asked, and the next one is a new one', async () => {
  let reads = 0;
  const read = shareRead(async () => {
    reads += 1;
    if (reads === 1) throw new Error('once');
    return reads;
  }, 60_000);
  await expect(Promise.all([read(), read()])).rejects.toThrow('once');
  expect(await read()).toBe(2);
});
