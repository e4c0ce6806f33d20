import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseEvent, SYNCED_EVENT_TYPES } from '../../src/clerk/parse-event.js';
import type { JsonObject } from '../../src/user-change.js';
import { fullClerkUser } from './full-clerk-user.js';

const EVENT_AT_MS = 1_750_000_000_012;
const user = fullClerkUser();
const { private_metadata: _, ...publicUser } = user;

const options = {
  svixId: 'msg_1',
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
  svixId: 'msg_1',
  user: publicUser,
};
const refetch = {
  kind: 'refetch',
  writer: 'webhook',
  clerkUserId: 'user_ada',
  observedAtMs: EVENT_AT_MS,
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

describe('an unusable event', () => {
  test.each<[string, unknown, RegExp]>([
    ['null', null, /^the body: /],
    ['a list', [], /^the body: /],
    ['text', 'user.created', /^the body: /],
    ['no type', event('user.updated', user, { type: undefined }), /^type: /],
    ['an empty type', event('', user), /^type: /],
    ['no timestamp', event('user.updated', user, { timestamp: undefined }), /^timestamp: is no Unix time$/],
    ['a timestamp in words', event('user.updated', user, { timestamp: '2026' }), /^timestamp: /],
    ['no data', event('user.updated', undefined), /^the body: /],
    ['no id', event('user.updated', { ...user, id: undefined }), /^id: /],
    ['an empty id', event('user.created', { ...user, id: '' }), /^id: /],
    ['an overlong id', event('user.created', { ...user, id: 'u'.repeat(256) }), /^id: /],
    ['no updated_at', event('user.updated', { ...user, updated_at: null }), /^updated_at: is no Unix time$/],
    ['no created_at', event('user.updated', { ...user, created_at: 'x' }), /^created_at: is no Unix time$/],
    ['a deletion without an id', event('user.deleted', { deleted: true }), /^id: /],
    ['a session without user_id', event('session.created', { user }), /^user_id: /],
    [
      'a session with half a user',
      event('session.created', session({ user: { id: 'u' } })),
      /user\.created_at: /,
    ],
  ])('%s is named by its path', (_case, payload, problem) => {
    expect(parseEvent(payload, options)).toEqual({
      kind: 'unusable',
      problem: expect.stringMatching(problem),
    });
  });

  test('all its problems are named at once', () => {
    const parsed = parseEvent(event('user.updated', { id: '', created_at: 'x' }), options);
    expect(parsed).toMatchObject({ problem: expect.stringMatching(/id: .*; created_at: .*; updated_at: /) });
  });

  test('whatever it holds, its problem shows no value of it', () => {
    const secret = 'Ada-Lovelace@private.example';
    const field = fc.oneof(
      fc.constant<unknown>(secret),
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
        fc.pre(parsed.kind === 'unusable');
        expect(parsed).not.toMatchObject({ problem: expect.stringContaining('Lovelace') });
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
