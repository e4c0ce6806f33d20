import { describe, expect, test } from '@jest/globals';
import { toUserSnapshot } from '../src/clerk/to-user-snapshot.js';
import { CONTENT_FIELDS, LIST_FIELDS } from '../src/content-fields.js';
import { failureCode } from '../src/failures.js';
import type { JsonObject, JsonValue, MappedType } from '../src/user-change.js';
import { type ColumnMapping, defineUserMapping, type UserMapping } from '../src/user-mapping.js';
import { fullClerkUser } from './clerk/full-clerk-user.js';
import { clerkUser } from './support/clerk-user.js';

const T0 = 1_750_000_000_000;
const observation = { observedAtMs: T0 + 7, observedVia: 'api', keepPrivateMetadata: false } as const;
const define = (columns: Record<string, ColumnMapping>) =>
  (defineUserMapping as (columns: Record<string, ColumnMapping>) => UserMapping)(columns);
const written = (type: MappedType, value: unknown) =>
  define({ one: { type, from: () => value } }).valuesOf({}).values[0];

function messageOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  throw new Error('It should have failed.');
}

test("a value that contains itself, or throws when it is read, is that one user's failure", () => {
  const cyclic: Record<string, unknown> = {};
  cyclic.self = cyclic;
  const throwing = {
    get plan(): never {
      throw new TypeError('90210');
    },
  };
  for (const value of [cyclic, throwing])
    expect(messageOf(() => written('jsonb', value))).toMatch(/ Column one: its function threw \w+Error\.$/);
});

describe('a mapping', () => {
  const plan = define({ plan: { type: 'text', from: (user) => user.public_metadata.plan } });

  test('adds its values to the snapshot, in the order of the names of its columns', () => {
    const mapping = defineUserMapping({
      seats: { type: 'integer', from: (user) => user.public_metadata.seats },
      first_phone: { type: 'text', from: (user) => user.phone_numbers[0]?.phone_number },
      joined_at: { type: 'timestamptz', from: (user) => user.created_at },
    });
    const user = clerkUser('user_a', T0, { public_metadata: { seats: 3 } });
    expect(toUserSnapshot(user, { ...observation, mapping }).mapped).toEqual({
      columns: [
        { name: 'first_phone', type: 'text' },
        { name: 'joined_at', type: 'timestamptz' },
        { name: 'seats', type: 'integer' },
      ],
      values: [null, '2023-11-14T22:13:20.000Z', 3],
    });
  });

  test('is part of the content hash, by its values, its names and its types', () => {
    const user = clerkUser('user_a', T0, { public_metadata: { plan: '3' } });
    const hashOf = (mapping?: UserMapping) => toUserSnapshot(user, { ...observation, mapping }).contentHash;
    const from = plan.valuesOf(user);
    expect(from.values).toEqual(['3']);
    const hashes = [
      hashOf(),
      hashOf(plan),
      hashOf(define({ plan: { type: 'text', from: () => 'pro' } })),
      hashOf(define({ plan: { type: 'text', from: () => null } })),
      hashOf(define({ other: { type: 'text', from: () => '3' } })),
      hashOf(define({ plan: { type: 'bigint', from: () => '3' } })),
      hashOf(define({ plan: { type: 'text', from: () => '3' }, more: { type: 'text', from: () => null } })),
    ];
    expect(new Set(hashes).size).toBe(hashes.length);
    expect(hashOf(define({ plan: { type: 'text', from: () => '3' } }))).toBe(hashOf(plan));
  });

  test('absent, leaves snapshot and hash as they were', () => {
    const snapshot = toUserSnapshot(clerkUser('user_a', T0), observation);
    expect(snapshot).not.toHaveProperty('mapped');
    // Recorded before there were mappings: another one would make every stored row look outdated.
    expect(snapshot.contentHash).toBe('mQi2L5g7BW525wrZLPV7V8');
  });

  test('sees nothing that moves by itself or that only one rendering has, and no private metadata that is not stored', () => {
    const seen: unknown[] = [];
    const mapping = define({ one: { type: 'text', from: (user) => void seen.push(user) } });
    const full: JsonObject = { ...fullClerkUser(), scim: { directory_id: 'dir_1' }, birthday: '' };
    toUserSnapshot(full, { ...observation, mapping });
    const [user] = seen as Record<string, JsonValue>[];
    expect(Object.keys(user ?? {}).sort()).toEqual([...CONTENT_FIELDS, 'id'].sort());
    expect(full.private_metadata).not.toEqual({});
    expect([user?.private_metadata, user?.public_metadata]).toEqual([{}, full.public_metadata]);
    toUserSnapshot(full, { ...observation, keepPrivateMetadata: true, mapping });
    expect(seen[1]).toMatchObject({ private_metadata: full.private_metadata });
  });

  test('finds lists and metadata empty that Clerk leaves out, so that reading in them does not throw', () => {
    const mapping = define({
      one: {
        type: 'jsonb',
        from: (user) => [user.public_metadata, user.web3_wallets, user.locale] as JsonValue,
      },
    });
    expect(mapping.valuesOf({ id: 'user_a', public_metadata: null }).values).toEqual([[{}, [], null]]);
  });

  test('knows of every field whether it is a list', () => {
    const full = fullClerkUser();
    expect(CONTENT_FIELDS.filter((field) => Array.isArray(full[field]))).toEqual([...LIST_FIELDS]);
  });
});

describe('a value', () => {
  test.each<[MappedType, unknown, JsonValue]>([
    ['text', '', ''],
    ['integer', -(2 ** 31), -(2 ** 31)],
    ['integer', -0, 0],
    ['bigint', 2n ** 63n - 1n, '9223372036854775807'],
    ['bigint', 12, '12'],
    ['bigint', '-007', '-7'],
    ['numeric', 0.1, 0.1],
    ['numeric', '-12345678901234567890.10', '-12345678901234567890.10'],
    ['boolean', false, false],
    ['timestamptz', T0, '2025-06-15T15:06:40.000Z'],
    ['timestamptz', '2025-06-15T17:06:40+02:00', '2025-06-15T15:06:40.000Z'],
    ['timestamptz', new Date(T0), '2025-06-15T15:06:40.000Z'],
    ['jsonb', { a: [1, null, { b: 'c', left: undefined }] }, { a: [1, null, { b: 'c' }] }],
    ['jsonb', 'text', 'text'],
  ])('of type %s: %p is written as %p', (type, value, expected) => {
    expect(written(type, value)).toEqual(expected);
  });

  test.each(['text', 'integer', 'bigint', 'numeric', 'boolean', 'timestamptz', 'jsonb'] as const)(
    'of type %s may be null or undefined, and empties the column',
    (type) => {
      expect([written(type, null), written(type, undefined)]).toEqual([null, null]);
    },
  );

  test.each<[MappedType, unknown]>([
    ['text', 90210],
    ['integer', 90210.5],
    ['integer', 2 ** 31],
    ['integer', '90210'],
    ['bigint', 2 ** 53],
    ['bigint', 2n ** 63n],
    ['bigint', '90210.0'],
    ['numeric', Number.NaN],
    ['numeric', Number.POSITIVE_INFINITY],
    ['numeric', '90210e3'],
    ['boolean', 'true'],
    ['boolean', 90210],
    ['timestamptz', 'yesterday 90210'],
    ['timestamptz', '2025-06-15T17:06:40'],
    ['timestamptz', new Date(Number.NaN)],
    ['timestamptz', 9e15],
    ['jsonb', [90210, undefined]],
    ['jsonb', { a: 1n }],
    ['jsonb', { a: new Date(T0) }],
    ['jsonb', () => 90210],
    ['text', Promise.resolve('90210')],
  ])('of type %s cannot be %p: the user fails, by the column and never by the value', (type, value) => {
    const made = () => written(type, value);
    expect(messageOf(made)).toMatch(/ Column one: its function returned .+\.$/);
    expect(messageOf(made)).not.toContain('90210');
    try {
      made();
    } catch (error) {
      expect(failureCode(error)).toBe('MAPPING_FAILED');
      expect(error).toMatchObject({ nonRetryable: true });
    }
  });

  test('whose function throws fails by the kind of the error alone', () => {
    const mapping = define({
      one: {
        type: 'text',
        from: () => {
          throw new RangeError('marker@example.com');
        },
      },
    });
    expect(messageOf(() => mapping.valuesOf({}))).toMatch(/ Column one: its function threw RangeError\.$/);
  });
});

describe('defineUserMapping refuses', () => {
  const from = () => null;
  test.each([
    ['an upper-case name', 'Plan'],
    ['a name with a quote', 'plan" = 1; --'],
    ['a name of 51 characters', 'p'.repeat(51)],
    ['a name that begins with _', '_plan'],
    ['a column of its own', 'email_verified'],
    ['the key', 'clerk_id'],
  ])('%s', (_, name) => {
    expect(() => define({ [name]: { type: 'text', from } })).toThrow(
      /^defineUserMapping cannot use this mapping:\n/,
    );
  });

  test('every problem at once, and a mapping of nothing', () => {
    const wrong = { email: { type: 'text', from }, plan: { type: 'varchar' }, seats: null };
    expect(
      messageOf(() => define(wrong as unknown as Record<string, ColumnMapping>)).split('\n'),
    ).toHaveLength(6);
    expect(() => define({})).toThrow('it names no column');
  });
});

test('types refuse a function that is known to return another type, and let pass what is looked at when it runs', () => {
  defineUserMapping({
    plan: { type: 'text', from: (user) => user.public_metadata.plan },
    phone_count: { type: 'integer', from: (user) => user.phone_numbers.length },
    country: { type: 'text', from: ({ locale }) => locale?.slice(0, 2) },
  });
  defineUserMapping({
    // @ts-expect-error text is no integer
    plan: { type: 'integer', from: (user) => user.id },
    // @ts-expect-error not in what a mapping sees
    signed_in_at: { type: 'timestamptz', from: (user) => user.last_sign_in_at as number },
  });
});
