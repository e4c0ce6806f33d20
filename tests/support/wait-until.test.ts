import { expect, test } from '@jest/globals';
import { waitUntil } from './wait-until.js';

test('what the condition gave is handed on, once it holds', async () => {
  let asked = 0;
  expect(await waitUntil(() => ++asked === 3 && 'third')).toBe('third');
});

test('a condition that throws does not hold yet', async () => {
  let asked = 0;
  const condition = () => {
    if (++asked < 3) throw new Error('not yet');
    return true;
  };
  expect(await waitUntil(condition)).toBe(true);
});

test('the failure says what was waited for, how things stood and what was last thrown', async () => {
  const condition = () => {
    throw new Error('no row');
  };
  await expect(waitUntil(condition, { timeoutMs: 20, describe: () => ({ rows: 0 }) })).rejects.toThrow(
    'Waited 20 ms in vain for {"rows":0}; it last threw: Error: no row',
  );
});

test('the time begins anew as long as there is progress', async () => {
  let asked = 0;
  const condition = () => ++asked === 10;
  await waitUntil(condition, { timeoutMs: -1, progress: () => asked });
  expect(asked).toBe(10);
  await expect(waitUntil(() => false, { timeoutMs: -1, progress: () => 'stalled' })).rejects.toThrow(
    'in vain',
  );
});
