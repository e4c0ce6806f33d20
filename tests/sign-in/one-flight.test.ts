import { expect, test } from '@jest/globals';
import { createOneFlight } from '../../src/sign-in/one-flight.js';
import { deferred } from '../starter/deferred.js';

test('who wants the same at the same time shares one piece of work; another key, and later, another', async () => {
  const inOneFlight = createOneFlight<number>(1_000);
  let begun = 0;
  const work = async () => ++begun;
  const never = () => {
    throw new Error('not late');
  };
  const [a, b, c] = await Promise.all([
    inOneFlight('a', work, never),
    inOneFlight('a', work, never),
    inOneFlight('c', work, never),
  ]);
  expect([a, b, c]).toEqual([1, 1, 2]);
  expect(await inOneFlight('a', work, never)).toBe(3);
});

test('the time counts from the beginning: late is told once, and who joins a late flight does not wait', async () => {
  const inOneFlight = createOneFlight<string>(20);
  const { promise, resolve } = deferred<string>();
  let late = 0;
  const fly = (work: () => Promise<string>) => inOneFlight('a', work, () => ++late);
  expect(await Promise.all([fly(() => promise), fly(() => promise)])).toEqual([undefined, undefined]);
  expect(late).toBe(1);
  const joined = await Promise.race([
    fly(() => promise),
    new Promise((wait) => setImmediate(wait, 'waited')),
  ]);
  expect(joined).toBeUndefined();
  resolve('there');
  await promise;
  await new Promise(setImmediate);
  expect(await fly(async () => 'another')).toBe('another');
  expect(late).toBe(1);
});
