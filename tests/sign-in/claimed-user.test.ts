import { describe, expect, test } from '@jest/globals';
import { claimedUser } from '../../src/sign-in/claimed-user.js';

const NOTHING = {
  email: null,
  emailVerified: false,
  phone: null,
  username: null,
  firstName: null,
  lastName: null,
  avatarUrl: null,
  externalId: null,
  publicMetadata: {},
};

test('what is left out, null or empty is not known', () => {
  expect(claimedUser({ email: '', phone: null, username: undefined, firstName: 'Ada' })).toEqual({
    ...NOTHING,
    firstName: 'Ada',
  });
});

test('every column may be claimed, and nothing else becomes one', () => {
  const all = {
    email: 'a@example.com',
    emailVerified: true,
    phone: '+1',
    username: 'a',
    firstName: 'A',
    lastName: 'B',
    avatarUrl: 'https://img.example.com/a',
    externalId: '7',
    publicMetadata: { plan: 'pro' },
  };
  expect(claimedUser({ ...all, banned: true, name: 'C' })).toEqual(all);
});

test.each([[null], [undefined], [{}], [{ email: '' }], [{ emailVerified: true, publicMetadata: {} }]])(
  '%j says nothing of a user',
  (claimed) => {
    expect(claimedUser(claimed)).toBeNull();
  },
);

describe('CLAIMS_UNUSABLE', () => {
  test.each<[unknown, string]>([
    ['zoe', 'It must return an object or null, at once.'],
    [[], 'It must return an object or null, at once.'],
    [Promise.resolve({ email: 'zoe' }), 'It must return an object or null, at once.'],
    [{ email: 42 }, 'email is of type number, not text.'],
    [
      { email: { zoe: 1 }, phone: false },
      'email is of type object, not text; phone is of type boolean, not text.',
    ],
    [{ firstName: ['zoe'] }, 'firstName is a list, not text.'],
    [{ email: 'zoe', emailVerified: 'zoe' }, 'emailVerified is of type string, not true or false.'],
    [{ email: 'zoe', publicMetadata: 'zoe' }, 'publicMetadata is of type string, not an object.'],
  ])('%j is refused, not retried, and named without any value', (claimed, problem) => {
    let refused: unknown;
    try {
      claimedUser(claimed);
    } catch (error) {
      refused = error;
    }
    expect(refused).toMatchObject({ type: 'CLAIMS_UNUSABLE', nonRetryable: true });
    expect(String(refused)).toContain(problem);
    expect(String(refused)).not.toContain('zoe');
  });
});
