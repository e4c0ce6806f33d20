import { expect, test } from '@jest/globals';
import { letGo } from '../../src/cli/let-go.js';

test('a step that hangs holds up no ending', async () => {
  // A timer that counts keeps the process waiting, as an open connection would.
  const open = setInterval(() => undefined, 60_000);
  try {
    await expect(letGo(new Promise(() => undefined))).resolves.toBeUndefined();
  } finally {
    clearInterval(open);
  }
});

test('a step that fails in time is heard', async () => {
  await expect(letGo(Promise.reject(new Error('refused')))).rejects.toThrow('refused');
});
