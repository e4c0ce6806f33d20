import { describe, expect, test } from '@jest/globals';
import { toUserSnapshot } from '../../src/clerk/to-user-snapshot.js';
import { failureCode } from '../../src/failures.js';
import type { JsonObject, JsonValue } from '../../src/user-change.js';
import { fullClerkUser } from './full-clerk-user.js';

const observation = {
  observedAtMs: 1_750_000_000_500,
  observedVia: 'webhook',
  keepPrivateMetadata: false,
} as const;
const full = fullClerkUser();
const snapshotOf = (fields: JsonObject) => toUserSnapshot({ ...full, ...fields }, observation);
const columnsOf = (fields: JsonObject) => snapshotOf(fields).columns;

test('every column is read from its place in a full user', () => {
  expect(toUserSnapshot(full, observation)).toEqual({
    clerkUserId: 'user_ada',
    clerkCreatedAtMs: 1_749_913_600_000,
    clerkUpdatedAtMs: 1_750_000_000_000,
    observedAtMs: 1_750_000_000_500,
    observedVia: 'webhook',
    columns: {
      email: 'work@ada.example',
      emailVerified: true,
      phone: '+15555550101',
      username: 'ada',
      firstName: 'Ada',
      lastName: 'Lovelace',
      name: 'Ada Lovelace',
      avatarUrl: 'https://images.example/ada',
      externalId: 'crm-17',
      banned: true,
      deprovisioned: true,
      publicMetadata: { plan: 'pro', tags: ['a', 'b'], note: null },
    },
    locked: true,
    lastSignInAtMs: 1_750_000_000_000,
    raw: expect.objectContaining({ id: 'user_ada', unsafe_metadata: { theme: 'dark' } }),
    contentHash: expect.any(String),
  });
});

describe('the primary e-mail', () => {
  test('is the one that Clerk names, not the first', () => {
    expect(columnsOf({ primary_email_address_id: 'idn_home' }).email).toBe('home@ada.example');
    expect(columnsOf({ primary_email_address_id: 'idn_work' }).email).toBe('work@ada.example');
  });

  test.each([
    ['no primary', { primary_email_address_id: null }],
    ['a primary that is not in the list', { primary_email_address_id: 'idn_other' }],
    ['no list', { email_addresses: null }],
    ['an empty list', { email_addresses: [] }],
    [
      'entries and primary both without an id',
      {
        primary_email_address_id: null,
        email_addresses: [{ id: null, email_address: 'a@b.example' }, { email_address: 'c@d.example' }],
      },
    ],
    ['an entry that is no object', { email_addresses: ['work@ada.example', null, ['idn_work']] }],
  ])('%s gives null, unverified', (_, fields) => {
    expect(columnsOf(fields as JsonObject)).toMatchObject({ email: null, emailVerified: false });
  });

  test.each([
    ['unverified', { status: 'unverified' }],
    ['expired', { status: 'expired' }],
    ['reserved, never verified', null],
  ])('%s keeps the address and is not verified', (_, verification) => {
    const email_addresses = [{ id: 'idn_work', email_address: 'work@ada.example', verification }];
    expect(columnsOf({ email_addresses })).toMatchObject({ email: 'work@ada.example', emailVerified: false });
  });

  test("another address' verification does not count", () => {
    expect(columnsOf({ primary_email_address_id: 'idn_home' }).emailVerified).toBe(false);
  });
});

describe('the primary phone number', () => {
  test('is the one that Clerk names, not the first', () => {
    expect(columnsOf({ primary_phone_number_id: 'idn_desk' }).phone).toBe('+15555550100');
  });

  test('without a primary is null', () => {
    expect(columnsOf({ primary_phone_number_id: null }).phone).toBeNull();
  });
});

test.each([
  ['both', 'Ada', 'Lovelace', 'Ada Lovelace'],
  ['the first name only', 'Ada', null, 'Ada'],
  ['the last name only', null, 'Lovelace', 'Lovelace'],
  ['an empty last name', 'Ada', '', 'Ada'],
  ['neither', null, null, null],
  ['two empty ones', '', '', null],
])('the name of a user with %s', (_, first_name, last_name, name) => {
  expect(columnsOf({ first_name, last_name })).toMatchObject({
    firstName: first_name,
    lastName: last_name,
    name,
  });
});

test('a user with nothing but an id and times has empty columns', () => {
  const { columns, locked, lastSignInAtMs } = toUserSnapshot(
    { id: 'user_a', created_at: 1_750_000_000_000, updated_at: 1_750_000_000_000 },
    observation,
  );
  expect(columns).toEqual({
    email: null,
    emailVerified: false,
    phone: null,
    username: null,
    firstName: null,
    lastName: null,
    name: null,
    avatarUrl: null,
    externalId: null,
    banned: false,
    deprovisioned: false,
    publicMetadata: {},
  });
  expect({ locked, lastSignInAtMs }).toEqual({ locked: false, lastSignInAtMs: null });
});

test('the deprecated profile_image_url is no fallback for the avatar', () => {
  expect(columnsOf({ image_url: null }).avatarUrl).toBeNull();
});

test('a user imported with a date before Clerk was there keeps it', () => {
  expect(snapshotOf({ created_at: 946_684_800_000 })).toMatchObject({ clerkCreatedAtMs: 946_684_800_000 });
});

/** @returns a list in a list, and so on. */
function nested(depth: number): JsonValue {
  let value: JsonValue = null;
  for (let level = 0; level < depth; level++) value = [value];
  return value;
}

test('after a user whose metadata is nested too deeply, the next one is hashed as ever', () => {
  expect(() => snapshotOf({ unsafe_metadata: { deep: nested(20_000) } })).toThrow();
  expect(snapshotOf({}).contentHash).toBe(toUserSnapshot(full, observation).contentHash);
});

describe('private metadata', () => {
  test('is left out of the snapshot altogether, unless a setting keeps it', () => {
    expect(JSON.stringify(toUserSnapshot(full, observation))).not.toContain('cus_17');
    expect(toUserSnapshot(full, { ...observation, keepPrivateMetadata: true }).raw.private_metadata).toEqual({
      stripe: 'cus_17',
    });
  });

  test('that is left out makes no difference to the hash', () => {
    expect(snapshotOf({ private_metadata: { stripe: 'cus_18' } }).contentHash).toBe(
      toUserSnapshot(full, observation).contentHash,
    );
  });
});

describe('raw', () => {
  test('keeps what Clerk sent, unknown keys and volatile fields included', () => {
    const { private_metadata: _, ...sent } = full;
    const { raw } = snapshotOf({ birthday: '', scim: { directory_id: 'dir_1' } });
    expect(raw).toEqual({ ...sent, birthday: '', scim: { directory_id: 'dir_1' } });
  });

  test('has lists in the order of their ids, however they came', () => {
    const entries = [{ id: 'idn_b' }, { id: 'idn_c' }, { id: 'idn_a' }];
    const inOrder = [{ id: 'idn_a' }, { id: 'idn_b' }, { id: 'idn_c' }];
    expect(snapshotOf({ external_accounts: entries }).raw.external_accounts).toEqual(inOrder);
    expect(snapshotOf({ external_accounts: entries.toReversed() }).raw.external_accounts).toEqual(inOrder);
  });

  test('keeps a key that JavaScript has a meaning for', () => {
    const user = { ...full, ['__proto__']: { banned: false } };
    expect(Object.keys(toUserSnapshot(user, observation).raw)).toContain('__proto__');
  });

  test('leaves the user it was given as it was', () => {
    const user = { ...full, external_accounts: [{ id: 'b' }, { id: 'a' }] };
    toUserSnapshot(user, observation);
    expect(user.external_accounts).toEqual([{ id: 'b' }, { id: 'a' }]);
  });
});

describe('USER_UNUSABLE', () => {
  test.each<[string, JsonObject]>([
    ['a missing id', { id: null }],
    ['an empty id', { id: '' }],
    ['an id that is no text', { id: 7 }],
    ['an id of another kind', { id: 'org_ada' }],
    ['half a character for an id', { id: '\ud800' }],
    ['no creation time', { created_at: null }],
    ['a creation time in words', { created_at: '2026-08-21T00:00:00Z' }],
    ['no update time', { updated_at: null }],
    ['an update time in words', { updated_at: '2026-08-21T00:00:00Z' }],
    ['an update time with a fraction', { updated_at: 1_750_000_000_000.5 }],
    ['metadata nested too deeply', { unsafe_metadata: { deep: nested(20_000) } }],
  ])('%s is refused, not retried, and named without any value', (_, fields) => {
    let thrown: unknown;
    try {
      snapshotOf(fields);
    } catch (error) {
      thrown = error;
    }
    expect(failureCode(thrown)).toBe('USER_UNUSABLE');
    expect(thrown).toMatchObject({ nonRetryable: true });
    expect(String(thrown)).not.toMatch(/ada|2026-08-21T/i);
  });

  test('says which field is wrong, and of a time in seconds that it is one', () => {
    expect(() => snapshotOf({ created_at: null, updated_at: 1_750_000_000 })).toThrow(
      'created_at: is missing; updated_at: is in seconds, not milliseconds.',
    );
  });
});
