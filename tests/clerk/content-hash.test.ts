import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { contentHash } from '../../src/clerk/content-hash.js';
import { toUserSnapshot } from '../../src/clerk/to-user-snapshot.js';
import { CONTENT_FIELDS, METADATA_FIELDS, UNCOUNTED_FIELDS } from '../../src/content-fields.js';
import type { JsonObject, JsonValue } from '../../src/user-change.js';
import { fullClerkUser } from './full-clerk-user.js';

/** As every writer computes it. */
const hashOf = (user: JsonObject, observedVia: 'webhook' | 'api' = 'api') =>
  toUserSnapshot(user, { observedAtMs: 1_750_000_000_500, observedVia, keepPrivateMetadata: true })
    .contentHash;

const full = fullClerkUser();
const fullHash = hashOf(full);
const withField = (field: string, value: JsonValue) => hashOf({ ...full, [field]: value });
const without = (...fields: string[]) =>
  hashOf(Object.fromEntries(Object.entries(full).filter(([key]) => !fields.includes(key))));

const LISTS = CONTENT_FIELDS.filter((field) => Array.isArray(full[field]));
/** `created_at` is left out, for without it there is no snapshot. */
const NULLABLE = CONTENT_FIELDS.filter((field) => !METADATA_FIELDS.has(field) && field !== 'created_at');

/** The smallest change of a value, as deep inside as it goes. */
function changed(value: JsonValue | undefined): JsonValue {
  if (typeof value === 'number') return value + 1;
  if (typeof value === 'string') return `${value}'`;
  if (typeof value === 'boolean') return !value;
  if (Array.isArray(value)) return [...value.slice(0, -1), changed(value.at(-1))];
  if (typeof value !== 'object' || value === null) throw new Error('the full user leaves this field empty');
  const key = Object.keys(value).find((name) => name !== 'id' && value[name] !== null);
  return key === undefined ? { added: 1 } : { ...value, [key]: changed(value[key]) };
}

/** The same value with its keys in another order at every depth, and its lists too if wished. */
function reordered(value: JsonValue, lists: boolean): JsonValue {
  if (Array.isArray(value)) {
    const items = value.map((item) => reordered(item, lists));
    return lists ? items.toReversed() : items;
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, item]) => [key, reordered(item, lists && !METADATA_FIELDS.has(key))]),
  );
}

test("all of Clerk's schema counts, but for what moves by itself or names the version", () => {
  const uncounted = UNCOUNTED_FIELDS.filter((field) => field !== 'scim');
  expect([...CONTENT_FIELDS, ...uncounted].sort()).toEqual(Object.keys(full).sort());
});

describe('one user, rendered differently', () => {
  test('metadata that was never set hashes the same missing, null or empty', () => {
    for (const field of METADATA_FIELDS) {
      expect(withField(field, null)).toBe(without(field));
      expect(withField(field, {})).toBe(without(field));
      expect(withField(field, [])).not.toBe(without(field));
    }
  });

  test('the webhook with scim, volatile fields and other orders hashes as the API does', () => {
    const webhook = {
      ...(reordered(full, true) as JsonObject),
      scim: { directory_id: 'dir_1', external_id: null },
      birthday: '',
      updated_at: 1_750_000_099_000,
      last_active_at: 1_750_000_099_000,
      lockout_expires_in_seconds: 12,
    };
    expect(hashOf(webhook, 'webhook')).toBe(fullHash);
  });

  test.each([
    ['updated_at', 1_750_000_000_001],
    ['last_active_at', 1_750_000_000_001],
    ['last_sign_in_at', null],
    ['locked', false],
    ['lockout_expires_in_seconds', 3599],
    ['verification_attempts_remaining', null],
    ['scim', { directory_id: 'dir_1' }],
    ['birthday', '1815-12-10'],
    ['object', 'User'],
  ])('%s does not count', (field, value) => {
    expect(withField(field, value)).toBe(fullHash);
    expect(without(...(field === 'updated_at' ? [] : [field]))).toBe(fullHash);
  });

  test.each(NULLABLE)('a missing %s is the same as null', (field) => {
    expect(without(field)).toBe(withField(field, null));
  });

  test.each(LISTS)('an empty list of %s is the same as null', (field) => {
    expect(withField(field, [])).toBe(withField(field, null));
  });

  test('inside an entry too, missing, null and an empty list are the same', () => {
    const bare = { id: 'idn_1', email_address: 'a@b.example' };
    const hash = withField('email_addresses', [bare]);
    expect(withField('email_addresses', [{ ...bare, verification: null, linked_to: [] }])).toBe(hash);
  });

  test('the order of keys counts nowhere, whatever the metadata', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (metadata) => {
        const user = { ...full, unsafe_metadata: metadata as JsonObject };
        expect(hashOf(reordered(user, false) as JsonObject)).toBe(hashOf(user));
      }),
    );
  });

  test.each(LISTS)("the order of Clerk's %s does not count", (field) => {
    const twice = [full[field], [{ id: 'idn_0', object: 'x' }]].flat() as JsonValue[];
    expect(withField(field, twice.toReversed())).toBe(withField(field, twice));
  });

  test('the order of a list inside an entry does not count', () => {
    const entry = { id: 'eac_1', scopes: ['email', 'profile', 'openid'] };
    const other = { ...entry, scopes: ['openid', 'email', 'profile'] };
    expect(withField('external_accounts', [other])).toBe(withField('external_accounts', [entry]));
  });
});

describe('another user', () => {
  test.each(CONTENT_FIELDS)('a change of %s changes the hash', (field) => {
    expect(withField(field, changed(full[field]))).not.toBe(fullHash);
  });

  test.each(NULLABLE)('%s gone changes the hash', (field) => {
    expect(withField(field, null)).not.toBe(fullHash);
  });

  test('a value that moves to another field, or becomes an empty string, changes the hash', () => {
    const named = (first: JsonValue, last: JsonValue) =>
      hashOf({ ...full, first_name: first, last_name: last });
    const hashes = [named('Ada', null), named(null, 'Ada'), named('Ada', ''), named('', 'Ada')];
    expect(new Set(hashes).size).toBe(4);
    const at = (mfa_enabled_at: JsonValue, mfa_disabled_at: JsonValue) =>
      hashOf({ ...full, mfa_enabled_at, mfa_disabled_at });
    expect(at(1_750_000_000_000, null)).not.toBe(at(null, 1_750_000_000_000));
  });

  test('an entry listed twice is not the same as once', () => {
    const [one] = full.passkeys as JsonObject[];
    expect(withField('passkeys', [{ ...one }, { ...one }])).not.toBe(fullHash);
  });
});

describe.each(['public_metadata', 'private_metadata', 'unsafe_metadata'])('in %s', (field) => {
  test('a null is a value', () => {
    expect(withField(field, { a: null })).not.toBe(withField(field, {}));
  });

  test('an empty list is a value', () => {
    expect(withField(field, { a: [] })).not.toBe(withField(field, {}));
    expect(withField(field, { a: [] })).not.toBe(withField(field, { a: null }));
  });

  test('the order of a list counts', () => {
    expect(withField(field, { a: [1, 2] })).not.toBe(withField(field, { a: [2, 1] }));
  });
});

test('every column counts by itself, so that a new way of reading one repairs the rows', () => {
  const { columns, raw } = toUserSnapshot(full, {
    observedAtMs: 1,
    observedVia: 'api',
    keepPrivateMetadata: true,
  });
  const names = Object.keys(columns);
  const hashes = names.map((name) => contentHash({ ...columns, [name]: 'another' }, raw));
  expect(new Set([fullHash, ...hashes]).size).toBe(1 + names.length);
});

test('the hash is 22 characters that need no escaping', () => {
  expect(fullHash).toMatch(/^[A-Za-z0-9_-]{22}$/);
});

test('hashes stay what they were, for the table holds them', () => {
  const odd = JSON.parse(String.raw`{
    "username": "a\"\\\n\u001f\u007f\u2028\ud800\ud83d\ude00",
    "public_metadata": { "__proto__": { "b": [null, [], 1e999, -0, 1e21] }, "\u0000": null, "a\"": "\ufffe" },
    "unsafe_metadata": [{ "id": "b" }, { "id": "a" }],
    "web3_wallets": [[], [null], {}, 1e999, "é", "z"]
  }`) as JsonObject;
  expect(fullHash).toBe('WvPke036D-TNLg3bgY-3TZ');
  expect(hashOf({ ...full, ...odd })).toBe('OWpbxmKHpQg1d7374fRT8s');
});
