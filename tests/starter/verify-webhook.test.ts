import { createHmac } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { createWebhookVerifier } from '../../src/starter/verify-webhook.js';
import { OTHER_SECRET, SECRET, sign } from './start-test-starter.js';

const BODY = '{"type":"user.updated","data":{"first_name":"Zo\\u00eb","last_name":"Ŝ"}}';
const payload = JSON.parse(BODY);

const verify = createWebhookVerifier([SECRET]);
const bytes = (text: string) => Buffer.from(text, 'utf8');
const secondsAgo = (seconds: number) => new Date(Date.now() - seconds * 1000);

const refused = expect.objectContaining({ type: 'SIGNATURE_INVALID', nonRetryable: true });

/** What the verifier throws. */
function errorOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return 'nothing was thrown';
}
const refusalOf = (body: string, headers: Record<string, string | string[] | undefined>) =>
  errorOf(() => verify(bytes(body), headers));

describe('a delivery that Svix signed', () => {
  test('is the parsed payload with its svix-id', () => {
    const at = secondsAgo(7);
    expect(verify(bytes(BODY), sign(BODY, { svixId: 'msg_7', at }))).toEqual({
      svixId: 'msg_7',
      signedAtMs: Math.floor(at.getTime() / 1000) * 1000,
      payload,
    });
  });

  test('holds as Svix documents it: HMAC-SHA256 over id, time and body, in base64', () => {
    const seconds = Math.floor(Date.now() / 1000);
    const key = Buffer.from(SECRET.slice('whsec_'.length), 'base64');
    const signature = createHmac('sha256', key).update(`msg_1.${seconds}.${BODY}`).digest('base64');
    const headers = {
      'svix-id': 'msg_1',
      'svix-timestamp': `${seconds}`,
      'svix-signature': `v1,${signature}`,
    };
    expect(verify(bytes(BODY), headers).payload).toEqual(payload);
  });

  test('holds within five minutes, either way', () => {
    for (const seconds of [290, -290]) {
      expect(verify(bytes(BODY), sign(BODY, { at: secondsAgo(seconds) })).payload).toEqual(payload);
    }
  });

  test.each([
    ['before', 600],
    ['after', -600],
  ])(
    'that was signed ten minutes %s our time is refused for the clock, not for the secret',
    (when, seconds) => {
      for (const secret of [SECRET, OTHER_SECRET]) {
        const refusal = errorOf(() =>
          createWebhookVerifier([SECRET, OTHER_SECRET])(
            bytes(BODY),
            sign(BODY, { at: secondsAgo(seconds), secret }),
          ),
        );
        expect(refusal).toMatchObject({
          type: 'TIMESTAMP_OUTSIDE_TOLERANCE',
          nonRetryable: true,
          message: expect.stringMatching(new RegExp(`signed (599|60[01]) s ${when} this machine's time\\.$`)),
        });
      }
    },
  );

  test('with two signatures, one of them ours, is refused for the clock as well', () => {
    const old = sign(BODY, { at: secondsAgo(310) });
    const signatures = `v1,${'A'.repeat(43)}= ${old['svix-signature']}`;
    expect(refusalOf(BODY, { ...old, 'svix-signature': signatures })).toMatchObject({
      type: 'TIMESTAMP_OUTSIDE_TOLERANCE',
    });
  });

  test('that is not JSON is EVENT_UNUSABLE, which is no forgery', () => {
    for (const body of ['{"type":', 'hello', '']) {
      expect(errorOf(() => verify(bytes(body), sign(body)))).toMatchObject({
        type: 'EVENT_UNUSABLE',
        message: expect.not.stringContaining('hello'),
      });
    }
  });
});

describe('while a secret is rotated', () => {
  const both = createWebhookVerifier([SECRET, OTHER_SECRET]);
  const signatureBy = (secret: string) => sign(BODY, { secret })['svix-signature'];

  test('a delivery signed with either holds, in whatever order they are set', () => {
    for (const verifier of [both, createWebhookVerifier([OTHER_SECRET, SECRET])]) {
      expect(verifier(bytes(BODY), sign(BODY)).payload).toEqual(payload);
      expect(verifier(bytes(BODY), sign(BODY, { secret: OTHER_SECRET })).payload).toEqual(payload);
    }
  });

  test('one delivery with a signature by each holds for who has either secret', () => {
    const signatures = `v1a,ZWQyNTUxOQ== ${signatureBy(OTHER_SECRET)} ${signatureBy(SECRET)}`;
    const headers = { ...sign(BODY), 'svix-signature': signatures };
    expect(verify(bytes(BODY), headers).payload).toEqual(payload);
    expect(createWebhookVerifier([OTHER_SECRET])(bytes(BODY), headers).payload).toEqual(payload);
  });

  test('a delivery signed with neither does not hold', () => {
    const third = `whsec_${Buffer.from('a third secret, unknown!').toString('base64')}`;
    expect(errorOf(() => both(bytes(BODY), sign(BODY, { secret: third })))).toEqual(refused);
  });

  test('what is signed with the second but is not JSON is EVENT_UNUSABLE too', () => {
    const unusable = errorOf(() => both(bytes('{'), sign('{', { secret: OTHER_SECRET })));
    expect(unusable).toMatchObject({ type: 'EVENT_UNUSABLE' });
  });
});

describe('SIGNATURE_INVALID', () => {
  const good = sign(BODY);

  test.each<[string, Record<string, string | string[] | undefined>]>([
    ['another secret', sign(BODY, { secret: OTHER_SECRET })],
    ['another svix-id', { ...good, 'svix-id': 'msg_2' }],
    ['another secret, and old', sign(BODY, { secret: OTHER_SECRET, at: secondsAgo(600) })],
    ['another svix-id, and old', { ...sign(BODY, { at: secondsAgo(600) }), 'svix-id': 'msg_2' }],
    ['no signature, and old', { ...sign(BODY, { at: secondsAgo(600) }), 'svix-signature': undefined }],
    ['a time that no calendar has', { ...good, 'svix-timestamp': `${Number.MAX_SAFE_INTEGER}` }],
    ['another time', { ...good, 'svix-timestamp': `${Number(good['svix-timestamp']) - 1}` }],
    ['a time that is none', { ...good, 'svix-timestamp': 'now' }],
    ['no id', { ...good, 'svix-id': undefined }],
    ['no time', { ...good, 'svix-timestamp': undefined }],
    ['no signature', { ...good, 'svix-signature': undefined }],
    ['an empty signature', { ...good, 'svix-signature': '' }],
    ['a version without a signature', { ...good, 'svix-signature': 'v1 v1,' }],
    [
      'the signature under another version',
      { ...good, 'svix-signature': `${good['svix-signature']}`.replace('v1', 'v2') },
    ],
    ['half a signature', { ...good, 'svix-signature': `${good['svix-signature']}`.slice(0, 20) }],
    ['two ids', { ...good, 'svix-id': ['msg_1', 'msg_1'] }],
    ['nothing', {}],
  ])('%s', (_, headers) => {
    expect(refusalOf(BODY, headers)).toEqual(refused);
  });

  test.each([
    ['a space more', BODY.replace('":"', '": "')],
    ['a line break at the end', `${BODY}\n`],
    ['another order of keys', '{"data":{"first_name":"Zo\\u00eb","last_name":"Ŝ"},"type":"user.updated"}'],
    ['a letter instead of its escape', BODY.replace('\\u00eb', 'ë')],
    ['another way to write one letter', BODY.replace('Ŝ', 'S\u0302')],
    ['what parsing and printing makes of it', JSON.stringify(payload)],
  ])('%s: the signature is over the bytes', (_, body) => {
    expect(body).not.toBe(BODY);
    expect(refusalOf(body, good)).toEqual(refused);
  });

  test('without any secret, nothing holds', () => {
    expect(errorOf(() => createWebhookVerifier([])(bytes(BODY), good))).toEqual(refused);
  });

  test('says how many secrets were tried, and shows none', () => {
    const refusal = String(errorOf(() => createWebhookVerifier([SECRET, OTHER_SECRET])(bytes(BODY), {})));
    expect(refusal).toContain('None of 2 signing secret(s) matches');
    expect(refusal).not.toContain('whsec_');
  });
});
