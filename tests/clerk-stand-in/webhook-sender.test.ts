import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Webhook } from 'svix';
import { type StandIn, type StandInOptions, startStandIn } from '../../src/clerk-stand-in/start-stand-in.js';
import { request } from './request.js';
import { type Receiver, SECRET, startReceiver } from './start-receiver.js';

let receiver: Receiver;
let standIn: StandIn;
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => Promise.all([receiver.stop(), standIn.stop()]));

async function start(delivery: NonNullable<StandInOptions['delivery']> = {}): Promise<void> {
  const webhooks = [{ url: receiver.url, signingSecret: SECRET }];
  standIn = await startStandIn({ webhooks, delivery: { retryTimeScale: 0, reorderHoldMs: 5, ...delivery } });
}

const signUp = (nth = 0) => standIn.users.createUser({ email_address: [`user${nth}@example.com`] });
const svixIds = () => receiver.deliveries.map(({ headers }) => headers['svix-id']);
const verified = (nth: number, secret = SECRET) => {
  const { body = '', headers } = receiver.deliveries[nth] ?? {};
  const names = ['svix-id', 'svix-timestamp', 'svix-signature'];
  return new Webhook(secret).verify(
    body,
    Object.fromEntries(names.map((name) => [name, String(headers?.[name])])),
  );
};

describe('what is sent', () => {
  test('every change is a signed event with the user as the API shows it', async () => {
    await start();
    const { id } = signUp();
    standIn.users.updateUser(id, { first_name: 'Ada' });
    const shown = standIn.users.get(id);
    standIn.users.deleteUser(id);
    await standIn.webhooks.idle();
    expect(receiver.deliveries).toHaveLength(3);
    const events = [0, 1, 2].map((nth) => verified(nth));
    expect(events).toContainEqual({
      object: 'event',
      type: 'user.updated',
      timestamp: standIn.webhooks.messages()[1]?.timestampMs,
      instance_id: standIn.instanceId,
      event_attributes: { http_request: { client_ip: '127.0.0.1', user_agent: 'clerk-stand-in' } },
      data: shown,
    });
    expect(events).toContainEqual(expect.objectContaining({ data: { object: 'user', id, deleted: true } }));
    expect(standIn.webhooks.messages()[1]?.timestampMs).toBeGreaterThanOrEqual(shown.updated_at);
  });

  test('the same change over HTTP emits the same event, with the caller in it', async () => {
    await start();
    const body = { email_address: ['http@example.com'], external_id: 'crm-1' };
    const headers = { 'user-agent': 'curl/8' };
    const created = await request<{ id: string }>(standIn, '/v1/users', { method: 'POST', body, headers });
    await request(standIn, `/v1/users/${created.body.id}`, { method: 'DELETE' });
    await standIn.webhooks.idle();
    const events = receiver.deliveries.map(({ event }) => event);
    expect(events.find(({ type }) => type === 'user.created')).toMatchObject({
      event_attributes: { http_request: { user_agent: 'curl/8' } },
      data: created.body,
    });
    expect(events.find(({ type }) => type === 'user.deleted')?.data).toEqual({
      object: 'user',
      id: created.body.id,
      deleted: true,
      external_id: 'crm-1',
    });
  });

  test('a sign-in sends session.created with the user in it, and user.updated', async () => {
    await start();
    const { id } = signUp();
    const session = standIn.users.signIn(id);
    await standIn.webhooks.idle();
    const event = receiver.deliveries.find((delivery) => delivery.event.type === 'session.created')?.event;
    expect(event?.data).toEqual({ ...session, user: standIn.users.get(id) });
    expect(receiver.deliveries.map((delivery) => delivery.event.type).sort()).toEqual([
      'session.created',
      'user.created',
      'user.updated',
    ]);
  });

  test('no two states of one user share an updated_at, and user.deleted is later than all', async () => {
    await start();
    const { id } = signUp();
    for (let nth = 0; nth < 20; nth++) standIn.users.updateUser(id, { first_name: `Name ${nth}` });
    standIn.users.deleteUser(id);
    await standIn.webhooks.idle();
    const events = receiver.deliveries.map(({ event }) => event);
    const times = events.flatMap(({ data }) =>
      data.updated_at === undefined ? [] : [Number(data.updated_at)],
    );
    expect(new Set(times).size).toBe(21);
    const deleted = events.find(({ type }) => type === 'user.deleted');
    expect(deleted?.timestamp).toBeGreaterThan(Math.max(...times));
  });

  test('scim reaches webhooks only, and putting a user away is user.updated', async () => {
    standIn = await startStandIn({ seedUsers: 40, webhooks: [{ url: receiver.url, signingSecret: SECRET }] });
    const id = standIn.users.list('limit=40')[26]?.id ?? '';
    const shown = standIn.users.deprovisionUser(id);
    await standIn.webhooks.idle();
    expect(shown).not.toHaveProperty('scim');
    expect(receiver.deliveries[0]?.event).toMatchObject({
      type: 'user.updated',
      data: { deprovisioned: true, scim: { directory_id: 'dir_standin', directory_enabled: true } },
    });
  });
});

describe('delivery', () => {
  test('a failing endpoint is tried eight times, with one svix-id and a fresh signature each', async () => {
    await start();
    receiver.answer = () => ({ status: 500 });
    signUp();
    await standIn.webhooks.idle();
    expect(receiver.deliveries).toHaveLength(8);
    expect(new Set(svixIds()).size).toBe(1);
    for (let nth = 0; nth < 8; nth++) expect(verified(nth)).toMatchObject({ type: 'user.created' });
    expect(standIn.webhooks.messages()[0]?.attempts.map(({ outcome }) => outcome)).toEqual([
      ...Array<string>(7).fill('retrying'),
      'failed',
    ]);
  });

  test('retries end with the first 2xx', async () => {
    await start();
    receiver.answer = (_delivery, nth) => ({ status: nth < 2 ? 503 : 204 });
    signUp();
    await standIn.webhooks.idle();
    expect(standIn.webhooks.messages()[0]?.attempts.map(({ status }) => status)).toEqual([503, 503, 204]);
    expect(standIn.webhooks.stats).toMatchObject({ attempts: 3, delivered: 1, failed: 0 });
  });

  test('a redirect is a failure, and is not followed', async () => {
    await start();
    receiver.answer = (_delivery, nth) =>
      nth === 0 ? { status: 308, headers: { location: receiver.url } } : { status: 200 };
    signUp();
    await standIn.webhooks.idle();
    expect(standIn.webhooks.messages()[0]?.attempts.map(({ status }) => status)).toEqual([308, 200]);
  });

  test('an endpoint that nobody listens on fails without a status', async () => {
    await start();
    await receiver.stop();
    signUp();
    await standIn.webhooks.idle();
    const attempts = standIn.webhooks.messages()[0]?.attempts;
    expect(attempts).toHaveLength(8);
    expect(attempts?.[0]).toMatchObject({ status: undefined, outcome: 'retrying' });
    receiver = await startReceiver();
  });

  test('no answer in time is a failure', async () => {
    await start({ timeoutMs: 20 });
    receiver.answer = () => undefined;
    signUp();
    await standIn.webhooks.idle();
    expect(standIn.webhooks.stats).toMatchObject({ attempts: 8, delivered: 0, failed: 1 });
  });

  test('webhook-delivery: abort-message ends the retries of that message only', async () => {
    await start();
    receiver.answer = (_delivery, nth) =>
      nth === 0 ? { status: 400, headers: { 'webhook-delivery': 'abort-message' } } : { status: 200 };
    signUp(1);
    await standIn.webhooks.idle();
    signUp(2);
    await standIn.webhooks.idle();
    expect(standIn.webhooks.messages().map(({ attempts }) => attempts.map(({ outcome }) => outcome))).toEqual(
      [['aborted'], ['delivered']],
    );
  });

  test('webhook-delivery: disable switches the endpoint off', async () => {
    await start();
    receiver.answer = () => ({ status: 410, headers: { 'webhook-delivery': 'disable' } });
    signUp(1);
    await standIn.webhooks.idle();
    signUp(2);
    await standIn.webhooks.idle();
    expect(receiver.deliveries).toHaveLength(1);
    expect(standIn.webhooks.settings.endpoints[0]?.disabled).toBe(true);
  });

  test('an endpoint that has failed for too long is switched off', async () => {
    let clockMs = Date.now();
    const webhooks = [{ url: receiver.url, signingSecret: SECRET }];
    standIn = await startStandIn({
      webhooks,
      delivery: { retryTimeScale: 0, disableAfterMs: 1000 },
      now: () => clockMs,
    });
    receiver.answer = () => {
      clockMs += 400;
      return { status: 500 };
    };
    signUp();
    await standIn.webhooks.idle();
    expect(receiver.deliveries.length).toBeLessThan(8);
    expect(standIn.webhooks.settings.endpoints[0]?.disabled).toBe(true);
  });

  test('two endpoints get the same svix-id under their own secrets', async () => {
    await start();
    const other = `whsec_${Buffer.from('another secret, 24 bytes').toString('base64')}`;
    standIn.webhooks.settings.endpoints.push({ url: receiver.url, signingSecret: other });
    signUp();
    await standIn.webhooks.idle();
    expect(receiver.deliveries).toHaveLength(2);
    expect(new Set(svixIds()).size).toBe(1);
    const holds = [0, 1].flatMap((nth) =>
      [SECRET, other].filter((secret) => {
        try {
          return verified(nth, secret);
        } catch {
          return false;
        }
      }),
    );
    expect(holds.sort()).toEqual([SECRET, other].sort());
  });

  test('a secret being rotated signs twice', async () => {
    await start();
    const next = `whsec_${Buffer.from('another secret, 24 bytes').toString('base64')}`;
    standIn.webhooks.settings.endpoints = [{ url: receiver.url, signingSecret: [next, SECRET] }];
    signUp();
    await standIn.webhooks.idle();
    expect(verified(0, SECRET)).toEqual(verified(0, next));
  });
});

describe('knobs', () => {
  test('a lost message is never sent, but known and can be replayed', async () => {
    await start({ lossRate: 1 });
    const { id } = signUp();
    await standIn.webhooks.idle();
    expect(receiver.deliveries).toHaveLength(0);
    const [message] = standIn.webhooks.messages();
    expect(message).toMatchObject({ type: 'user.created', lost: true });
    expect(standIn.webhooks.replay(message?.svixId ?? '')).toBe(true);
    await standIn.webhooks.idle();
    expect(receiver.deliveries[0]?.event.data.id).toBe(id);
  });

  test('a replay sends the old payload under the old svix-id', async () => {
    await start();
    const { id } = signUp();
    await standIn.webhooks.idle();
    standIn.users.updateUser(id, { first_name: 'Newer' });
    await standIn.webhooks.idle();
    standIn.webhooks.replay(String(svixIds()[0]));
    await standIn.webhooks.idle();
    expect(receiver.deliveries[2]?.body).toBe(receiver.deliveries[0]?.body);
    expect(svixIds()[2]).toBe(svixIds()[0]);
    expect(standIn.webhooks.replay('msg_unknown')).toBe(false);
  });

  test('rates of loss and duplication are about what they say', async () => {
    await start({ lossRate: 0.3, duplicateRate: 0.5 });
    for (let nth = 0; nth < 300; nth++) signUp(nth);
    await standIn.webhooks.idle();
    const { messages, lost, duplicates } = standIn.webhooks.stats;
    expect(messages).toBe(300);
    expect(Math.abs(lost / 300 - 0.3)).toBeLessThan(0.1);
    expect(Math.abs(duplicates / (300 - lost) - 0.5)).toBeLessThan(0.1);
    expect(receiver.deliveries).toHaveLength(300 - lost + duplicates);
    expect(new Set(svixIds()).size).toBe(300 - lost);
  });

  test('a held-back message is overtaken by later ones, and none is missing', async () => {
    await start({ reorderRate: 0.4, maxConcurrent: 1 });
    for (let nth = 0; nth < 60; nth++) signUp(nth);
    await standIn.webhooks.idle();
    const sent = standIn.webhooks.messages().map(({ svixId }) => svixId);
    expect(svixIds()).not.toEqual(sent);
    expect(svixIds().toSorted()).toEqual(sent.toSorted());
    expect(standIn.webhooks.stats.heldBack).toBeGreaterThan(10);
  });

  test('without knobs and one at a time, order is kept', async () => {
    await start({ maxConcurrent: 1 });
    for (let nth = 0; nth < 30; nth++) signUp(nth);
    await standIn.webhooks.idle();
    expect(svixIds()).toEqual(standIn.webhooks.messages().map(({ svixId }) => svixId));
  });

  test('the same seed loses the same messages', async () => {
    await start({ lossRate: 0.5 });
    for (let nth = 0; nth < 40; nth++) signUp(nth);
    const lost = standIn.webhooks.messages().map((message) => message.lost);
    await standIn.stop();
    await start({ lossRate: 0.5 });
    for (let nth = 0; nth < 40; nth++) signUp(nth);
    expect(standIn.webhooks.messages().map((message) => message.lost)).toEqual(lost);
  });

  test('Send Example is validly signed and about nobody', async () => {
    await start({ lossRate: 1 });
    standIn.webhooks.sendExample('user.created');
    await standIn.webhooks.idle();
    const event = verified(0);
    expect(event).toMatchObject({ type: 'user.created', data: { id: 'user_29w83sxmDNGwOuEthce5gg56FcC' } });
    expect(standIn.users.has('user_29w83sxmDNGwOuEthce5gg56FcC')).toBe(false);
    expect(() => standIn.webhooks.sendExample('role.created')).toThrow('no example of role.created');
  });

  test('a delayed message is idle only once it has been sent', async () => {
    await start({ delayMs: 3 });
    signUp();
    expect(receiver.deliveries).toHaveLength(0);
    await standIn.webhooks.idle();
    expect(receiver.deliveries).toHaveLength(1);
  });

  test('an endpoint may ask for some types only', async () => {
    await start();
    standIn.webhooks.settings.endpoints = [
      { url: receiver.url, signingSecret: SECRET, eventTypes: ['user.deleted'] },
    ];
    standIn.users.deleteUser(signUp().id);
    await standIn.webhooks.idle();
    expect(receiver.deliveries.map(({ event }) => event.type)).toEqual(['user.deleted']);
  });

  test('a removed endpoint gets no more retries', async () => {
    await start();
    receiver.answer = () => {
      standIn.webhooks.settings.endpoints = [];
      return { status: 500 };
    };
    signUp();
    await standIn.webhooks.idle();
    expect(receiver.deliveries).toHaveLength(1);
  });
});
