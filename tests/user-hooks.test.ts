import { expect, test } from '@jest/globals';
import { defineUserHooks, hookFor } from '../src/user-hooks.js';

const hook = (): void => undefined;

test('what is misspelt, no function or no time is named, all at once', () => {
  const hooks = { onUserCreate: hook, onUserDeleted: 'yes', existingUsers: 'no', timeoutMs: 0 };
  expect(() => defineUserHooks(hooks as never)).toThrow(
    'defineUserHooks: onUserCreate is unknown; there are onUserCreated, onUserUpdated, onUserDeleted, onUserRestored, existingUsers and timeoutMs; ' +
      'onUserDeleted must be a function; existingUsers must be call or skip; timeoutMs must be a whole number above 0.',
  );
});

test('a restored user is told as an update where there is no hook of its own', () => {
  const [onUserUpdated, onUserRestored] = [(): void => undefined, (): void => undefined];
  expect(hookFor(defineUserHooks({ onUserUpdated }), 'restored')).toBe(onUserUpdated);
  expect(hookFor(defineUserHooks({ onUserUpdated, onUserRestored }), 'restored')).toBe(onUserRestored);
  expect(hookFor(defineUserHooks({ onUserRestored }), 'updated')).toBeUndefined();
});

test('what is left out calls nothing', () => {
  expect(hookFor(defineUserHooks({}), 'created')).toBeUndefined();
  expect(hookFor(defineUserHooks({ onUserCreated: hook }), 'created')).toBe(hook);
});

test('a method of a class, which would never be called, is refused', () => {
  class Hooks {
    onUserCreated(): void {}
  }
  expect(() => defineUserHooks(new Hooks())).toThrow('onUserCreated is a method of a class');
});
