import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseEvent, SYNCED_EVENT_TYPES } from '../../src/clerk/parse-event.js';
import type { JsonObject } from '../../src/user-change.js';
import { fullClerkUser } from './full-clerk-user.js';

const EVENT_AT_MS = 1_750_000_000_012;
const user = fullClerkUser();
const { private_metadata: _, ...publicUser } = user;

const SIGNED_AT_MS = 1_750_000_003_000;

const options = {
  svixId: 'msg_1',
  signedAtMs: SIGNED_AT_MS,
  mode: 'payload',
  keepPrivateMetadata: false,
  instanceId: undefined,
} as const;
const refetching = { ...options, mode: 'refetch' } as const;

const event = (type: string, data: unknown, envelope: object = {}) => ({
  object: 'event',
  type,
  timestamp: EVENT_AT_MS,
  instance_id: 'ins_ours',
  event_attributes: { http_request: { client_ip: '203.0.113.7' } },
  data,
  ...envelope,
});
const session = (fields: object = {}) => ({
  object: 'session',
  id: 'sess_1',
  user_id: 'user_ada',
  ...fields,
});

const snapshot = {
  kind: 'snapshot',
  writer: 'webhook',
  clerkUserId: 'user_ada',
  clerkUpdatedAtMs: 1_750_000_000_000,
  observedAtMs: EVENT_AT_MS,
  instanceId: 'ins_ours',
  svixId: 'msg_1',
  user: publicUser,
};
const refetch = {
  kind: 'refetch',
  writer: 'webhook',
  clerkUserId: 'user_ada',
  observedAtMs: EVENT_AT_MS,
  instanceId: 'ins_ours',
  svixId: 'msg_1',
};
const deletion = { ...refetch, kind: 'deletion' };

describe('what an event becomes', () => {
  test.each([
    ['user.created', user, snapshot, refetch],
    ['user.updated', user, snapshot, refetch],
    ['user.deleted', { object: 'user', id: 'user_ada', deleted: true }, deletion, deletion],
    ['session.created', session({ user }), snapshot, refetch],
  ])('%s', (eventType, data, inPayloadMode, inRefetchMode) => {
    const payload = event(eventType, data);
    expect(parseEvent(payload, options)).toEqual({ kind: 'change', eventType, change: inPayloadMode });
    expect(parseEvent(payload, refetching)).toEqual({ kind: 'change', eventType, change: inRefetchMode });
  });

  test.each([
    ['no user', session()],
    ['a null user', session({ user: null })],
  ])('session.created with %s asks Clerk, in either mode', (_case, data) => {
    const expected = { kind: 'change', eventType: 'session.created', change: refetch };
    expect(parseEvent(event('session.created', data), options)).toEqual(expected);
    expect(parseEvent(event('session.created', data), refetching)).toEqual(expected);
  });

  test.each([
    ['names none', undefined],
    ['names something else', { id: 'ins_ours' }],
  ])('an event that %s is of no known instance', (_case, instance_id) => {
    const payload = event('user.deleted', { id: 'user_ada' }, { instance_id });
    expect(parseEvent(payload, options)).toMatchObject({ change: { instanceId: null } });
  });

  test.each([
    'session.ended',
    'organization.created',
    'email.created',
    'waitlistEntry.created',
    'tomorrow.invented',
  ])('%s is ignored, whatever it carries', (eventType) => {
    for (const data of [user, null, undefined, 'text', 7]) {
      expect(parseEvent(event(eventType, data), options)).toEqual({ kind: 'ignored', eventType });
    }
  });

  test('the types that are not ignored are those that SYNCED_EVENT_TYPES names', () => {
    const kinds = SYNCED_EVENT_TYPES.map((type) => parseEvent(event(type, session({ user })), options).kind);
    expect(kinds).not.toContain('ignored');
  });

  test('unknown keys in the envelope and in the user do no harm', () => {
    const odd = { ...user, birthday: '', gender: '', has_image: undefined, locale: ['?'] };
    expect(parseEvent(event('user.created', odd, { surprise: {} }), options).kind).toBe('change');
  });

  test("an event's timestamp in seconds is the same instant as in milliseconds", () => {
    expect(parseEvent(event('user.updated', user, { timestamp: 1_750_000_000 }), options)).toMatchObject({
      change: { observedAtMs: 1_750_000_000_000 },
    });
  });
});

describe('what enters Temporal', () => {
  const kept = (data: unknown, type = 'user.updated') =>
    parseEvent(event(type, data), { ...options, keepPrivateMetadata: true });

  test('private metadata does so only when it is to be stored', () => {
    for (const [type, data] of [
      ['user.updated', user],
      ['session.created', session({ user })],
    ] as const) {
      expect(JSON.stringify(parseEvent(event(type, data), options))).not.toContain('cus_17');
      expect(JSON.stringify(kept(data, type))).toContain('cus_17');
    }
  });

  test('in refetch mode nothing that is the person does', () => {
    /** Marked, so that no id or key contains one by chance; as they stand inside JSON. */
    const secret = fc.string({ minLength: 1 }).map((text) => `«${text}»`);
    const inJson = (text: string) => JSON.stringify(text).slice(1, -1);
    fc.assert(
      fc.property(secret, secret, secret, secret, fc.constantFrom(...SYNCED_EVENT_TYPES), (...drawn) => {
        const [email, first, last, username, type] = drawn;
        const person = {
          ...user,
          first_name: first,
          last_name: last,
          username,
          external_id: username,
          email_addresses: [{ id: 'idn_work', email_address: email }],
        };
        const parsed = parseEvent(
          event(type, { ...person, ...session({ id: 'user_ada', user: person }) }),
          refetching,
        );
        expect(parsed.kind).toBe('change');
        for (const value of [email, first, last, username, '203.0.113.7', 'work@ada.example', 'cus_17']) {
          expect(JSON.stringify(parsed)).not.toContain(inJson(value));
        }
      }),
    );
  });
});

describe('an event of another instance', () => {
  const ours = { ...options, instanceId: 'ins_ours' };

  test("is told apart by the envelope's instance_id", () => {
    expect(parseEvent(event('user.updated', user), ours).kind).toBe('change');
    expect(parseEvent(event('user.updated', user, { instance_id: 'ins_other' }), ours)).toEqual({
      kind: 'other-instance',
      instanceId: 'ins_other',
    });
  });

  test('is what one without any instance_id counts as', () => {
    const unsaid = event('user.deleted', { id: 'user_ada' }, { instance_id: undefined });
    expect(parseEvent(unsaid, ours).kind).toBe('other-instance');
    expect(parseEvent(unsaid, options).kind).toBe('change');
  });

  test('is not even ignored', () => {
    const ignorable = event('session.ended', null, { instance_id: 'ins_other' });
    expect(parseEvent(ignorable, ours).kind).toBe('other-instance');
  });
});

describe('a signed event with a usable id is not lost', () => {
  test.each<[string, JsonObject, string]>([
    ['no updated_at', { updated_at: null }, 'updated_at: is missing'],
    ['no created_at', { created_at: null }, 'created_at: is missing'],
    ['a created_at in words', { created_at: 'x' }, 'created_at: is no Unix time in milliseconds'],
    [
      'times in seconds',
      { created_at: 1_740_000_000, updated_at: 1_750_000_000 },
      'created_at: is in seconds, not milliseconds; updated_at: is in seconds, not milliseconds',
    ],
    ['a negative time', { updated_at: -1 }, 'updated_at: is no Unix time in milliseconds'],
    ['a fraction of a time', { updated_at: 1.5 }, 'updated_at: is no Unix time in milliseconds'],
    ['a time in microseconds', { updated_at: 1e15 }, 'updated_at: is no Unix time in milliseconds'],
    [
      'an updated_at later than its delivery',
      { updated_at: SIGNED_AT_MS + 60_001 },
      'updated_at: is later than the delivery',
    ],
    ['no list of e-mails', { email_addresses: null }, 'email_addresses: is no list'],
  ])('a user with %s is asked for, and the log can say why', (_case, fields, lacks) => {
    for (const [type, data] of [
      ['user.created', { ...user, ...fields }],
      ['user.updated', { ...user, ...fields }],
      ['session.created', session({ user: { ...user, ...fields } })],
    ] as const)
      expect(parseEvent(event(type, data), options)).toEqual({
        kind: 'change',
        eventType: type,
        change: refetch,
        lacks,
      });
  });

  test('an updated_at a minute after the delivery is taken, for two clocks may differ', () => {
    const clerkUpdatedAtMs = SIGNED_AT_MS + 60_000;
    expect(
      parseEvent(event('user.updated', { ...user, updated_at: clerkUpdatedAtMs }), options),
    ).toMatchObject({ change: { kind: 'snapshot', clerkUpdatedAtMs } });
  });

  test.each([
    ['another user', { ...user, id: 'user_bob' }, 'id: is not that of the event'],
    ['half a user', { id: 'user_ada' }, /^created_at: .*; updated_at: .*; email_addresses: /],
    ['an empty user', {}, /^id: is not that of the event; /],
  ])('a session with %s asks for whose it is', (_case, user, lacks) => {
    expect(parseEvent(event('session.created', session({ user })), options)).toMatchObject({
      change: refetch,
      lacks: expect.stringMatching(lacks),
    });
  });

  test("a session without user_id is its user's", () => {
    const parsed = parseEvent(event('session.created', { user }), options);
    expect(parsed).toEqual({ kind: 'change', eventType: 'session.created', change: snapshot });
  });

  test.each([
    ['none', undefined],
    ['null', null],
    ['words', '2026'],
    ['a negative one', -1],
    ['one of 1970', 5],
    ['one in microseconds', EVENT_AT_MS * 1000],
    ['one of the far future', EVENT_AT_MS * 10],
  ])('where its timestamp is %s, the time of the delivery stands in', (_case, timestamp) => {
    const observedAtMs = SIGNED_AT_MS;
    expect(parseEvent(event('user.updated', user, { timestamp }), options)).toMatchObject({
      change: { ...snapshot, observedAtMs },
    });
    expect(parseEvent(event('user.deleted', { id: 'user_ada' }, { timestamp }), options)).toMatchObject({
      change: { ...deletion, observedAtMs },
    });
    expect(parseEvent(event('user.updated', { id: 'user_ada' }, { timestamp }), options)).toMatchObject({
      change: { ...refetch, observedAtMs },
    });
  });
});

describe('an unusable event', () => {
  const noUserId = /^data\.id: is no Clerk user ID$/;
  test.each<[string, unknown, RegExp]>([
    ['null', null, /^the body: /],
    ['a list', [], /^the body: /],
    ['text', 'user.created', /^the body: /],
    ['no type', event('user.updated', user, { type: undefined }), /^type: /],
    ['an empty type', event('', user), /^type: /],
    ['no data', event('user.updated', undefined), noUserId],
    ['null for data', event('user.deleted', null), noUserId],
    ['no id', event('user.updated', { ...user, id: undefined }), noUserId],
    ['an empty id', event('user.created', { ...user, id: '' }), noUserId],
    ['an id of another kind', event('user.created', { ...user, id: 'org_1' }), noUserId],
    ['a number for an id', event('user.deleted', { id: 7 }), noUserId],
    ['half a character for an id', event('user.deleted', { id: '\ud800' }), noUserId],
    ['half a character in its id', event('user.deleted', { id: 'user_\ud800' }), noUserId],
    ['an overlong id', event('user.created', { ...user, id: `user_${'u'.repeat(251)}` }), noUserId],
    ['a deletion without an id', event('user.deleted', { deleted: true }), noUserId],
    [
      'a session of nobody',
      event('session.created', session({ user_id: '\ud800', user: { id: 'u' } })),
      /^data\.user_id: is no Clerk user ID$/,
    ],
  ])('%s is named by its path', (_case, payload, problem) => {
    expect(parseEvent(payload, options)).toEqual({
      kind: 'unusable',
      problem: expect.stringMatching(problem),
    });
  });

  test('whatever it holds, what is said of it shows no value of it', () => {
    const secret = 'Ada-Lovelace@private.example';
    const field = fc.oneof(
      fc.constantFrom<unknown>(secret, 'user_ada'),
      fc.constantFrom<unknown>([secret], { [secret]: secret }, null, undefined, 5, '', secret.repeat(20)),
    );
    const data = fc.record({ id: field, user_id: field, created_at: field, updated_at: field, user: field });
    const payload = fc.record({
      type: fc.oneof({ weight: 4, arbitrary: fc.constantFrom<unknown>(...SYNCED_EVENT_TYPES) }, field),
      timestamp: fc.oneof(fc.constant<unknown>(EVENT_AT_MS), field),
      instance_id: fc.oneof(fc.constant<unknown>('ins_ours'), field),
      data: fc.oneof({ weight: 4, arbitrary: data }, field),
    });
    fc.assert(
      fc.property(fc.oneof({ weight: 9, arbitrary: payload }, field), (body) => {
        const parsed = parseEvent(body, options);
        fc.pre(parsed.kind === 'unusable' || parsed.kind === 'change');
        expect(JSON.stringify({ ...parsed, change: null, instanceId: null })).not.toContain('Lovelace');
      }),
      { numRuns: 500 },
    );
  });
});

test('the payload is left as it was', () => {
  const payload = event('user.updated', fullClerkUser());
  const before = structuredClone(payload) as JsonObject;
  parseEvent(payload, options);
  expect(payload).toEqual(before);
});

test('an event without the key instance_id is read where no instance is asked for, and an unknown type ignored', () => {
  const deleted = { type: 'user.deleted', timestamp: EVENT_AT_MS, data: { id: 'user_ada' } };
  expect(parseEvent(deleted, options)).toMatchObject({ kind: 'change' });
  expect(parseEvent({ type: 'organization.created' }, options)).toMatchObject({ kind: 'ignored' });
});
