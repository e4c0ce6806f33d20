import { describe, expect, test } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/common';
import { FAILURES, type FailureCode, failure, failureCode } from '../src/failures.js';

const CODES = Object.keys(FAILURES) as FailureCode[];

describe.each(CODES)('%s', (code) => {
  test('is retried by Temporal exactly when the table says so', () => {
    expect(failure(code, 'Now.').nonRetryable).toBe(!FAILURES[code].retried);
  });

  test('is its type, and what it means begins its message', () => {
    const made = failure(code, 'This happened.');
    expect(made).toBeInstanceOf(ApplicationFailure);
    expect(made.type).toBe(code);
    expect(made.message).toBe(`${FAILURES[code].meaning} This happened.`);
    expect(failureCode(made)).toBe(code);
  });

  test('has a meaning and an action in sentences', () => {
    expect(FAILURES[code].meaning).toMatch(/^[A-Z`].+\.$/);
    expect(FAILURES[code].action).toMatch(/^[A-Z`].+\.$/);
  });

  test('answers a request with an error status, 503 only if it may pass by itself', () => {
    const { httpStatus, retried }: { httpStatus?: number; retried: boolean } = FAILURES[code];
    expect(httpStatus === undefined || (httpStatus >= 400 && httpStatus < 600)).toBe(true);
    if (httpStatus !== undefined) expect(httpStatus === 503).toBe(retried);
  });
});

describe('failure', () => {
  test('keeps the cause', () => {
    const cause = new Error('connect ECONNREFUSED');
    expect(failure('TEMPORAL_UNAVAILABLE', '', { cause }).cause).toBe(cause);
  });

  test('leaves out a cause that is no error', () => {
    expect(failure('TEMPORAL_UNAVAILABLE', '', { cause: 'text' }).cause).toBeUndefined();
  });

  test('carries the delay of a Retry-After, a delay of 0 too', () => {
    expect(failure('CLERK_RATE_LIMITED', '', { retryAfterMs: 7000 }).nextRetryDelay).toBe(7000);
    expect(failure('CLERK_RATE_LIMITED', '', { retryAfterMs: 0 }).nextRetryDelay).toBe(0);
    expect(failure('CLERK_RATE_LIMITED', '').nextRetryDelay).toBeUndefined();
  });
});

describe('failureCode is undefined', () => {
  test.each([
    ['an error of the language', new TypeError('x')],
    ["somebody else's failure", ApplicationFailure.create({ type: 'PaymentRefused' })],
    ['a failure without a type', ApplicationFailure.create({ message: 'x' })],
    ['a failure named as a property of every object', ApplicationFailure.create({ type: 'toString' })],
    ['an object that looks like one', { type: 'ROW_REJECTED', message: 'x' }],
    ['a code alone', 'ROW_REJECTED'],
    ['undefined', undefined],
    ['null', null],
  ])('for %s', (_, error) => {
    expect(failureCode(error)).toBeUndefined();
  });
});
