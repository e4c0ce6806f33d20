import { describe, expect, test } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/common';
import { hookFailure } from '../../src/activities/hook-failure.js';
import { HookTimeout } from '../../src/activities/hook-timeout.js';

const change = { clerkUserId: 'user_1', changeId: '7', revision: 3, kind: 'updated' } as const;
const of = (error: unknown) => hookFailure(error, change);

test('the text of an ordinary error is left out, and so is what looks like its place', () => {
  const error = new RangeError('ada@example.com\n    at ada.lovelace.js:1:2)');
  const failure = of(error);
  expect(failure.message).toMatch(
    /Kind updated, revision 3: it threw RangeError at hook-failure\.test\.ts:\d+\.$/,
  );
  expect(JSON.stringify([failure, failure.stack, failure.cause])).not.toMatch(/ada/);
});

test.each([
  [
    'a class with somebody’s name in it',
    Object.assign(new Error('x'), { name: 'No ada@example.com' }),
    'an error',
  ],
  ['a code that is no code', Object.assign(new Error('x'), { code: 'ada@example.com' }), 'Error'],
  ['what is no error', 'ada@example.com', 'a string'],
])('nor does %s get through', (_, thrown, what) => {
  const { message, nonRetryable } = of(thrown);
  expect(message).toContain(`it threw ${what}`);
  expect(message).not.toContain('ada');
  expect(nonRetryable).toBe(false);
});

test.each<[string, object]>([
  ['stack', { stack: 5 }],
  ['message', { message: undefined }],
  ['message that its stack lacks', { message: 'rewritten', stack: 'Error: x\n    at ada.lovelace.js:1:2' }],
  ['name', { name: Symbol('Ada') }],
])('an error with an odd %s is named all the same', (_, odd) => {
  const failure = of(Object.assign(new Error('x'), odd));
  expect(failure).toMatchObject({ type: 'HOOK_FAILED', message: expect.stringMatching(/: it threw .*\.$/) });
  expect(failure.message).not.toContain('ada');
});

test('the code of a known kind is kept', () => {
  expect(of(Object.assign(new Error('x'), { code: 'P2002' })).message).toContain(
    'it threw Error (P2002) at ',
  );
});

test('a call that took too long says so', () => {
  expect(of(new HookTimeout(50))).toMatchObject({
    type: 'HOOK_FAILED',
    message: expect.stringContaining('It did not end within 50 ms.'),
  });
});

describe('an ApplicationFailure is shown in its own words', () => {
  test('and retried, with the delay that it asks for', () => {
    const thrown = ApplicationFailure.create({ message: 'Stripe is away.', nextRetryDelay: '90s' });
    expect(of(thrown)).toMatchObject({
      type: 'HOOK_FAILED',
      nonRetryable: false,
      nextRetryDelay: 90_000,
      message: expect.stringContaining('Stripe is away.'),
    });
  });

  test('and gives up if it says so', () => {
    const thrown = ApplicationFailure.nonRetryable('The plan is unknown.', 'PlanUnknown', { email: 'ada' });
    const failure = of(thrown);
    expect(failure).toMatchObject({ type: 'HOOK_GAVE_UP', nonRetryable: true });
    expect(failure.details ?? []).toEqual([]);
  });
});
