import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { syncUserWorkflowId } from '../../src/names.js';
import { waitUntil } from '../support/wait-until.js';
import { endCommands, type RunningCommand, runCommand } from './run-command.js';
import { deliver, eventAbout, type StarterSurroundings, startSurroundings } from './starter-process.js';

let surroundings: StarterSurroundings;
let users = 0;
const newUserId = () => `user_ending${++users}`;

beforeAll(async () => {
  surroundings = await startSurroundings();
});
afterAll(() => surroundings.stop());
afterEach(endCommands);

describe('told to end', () => {
  afterEach(() => surroundings.proxy.release());

  test('it answers what is in flight, refuses what is new, and exits with 0 soon', async () => {
    const starter = await surroundings.startStarter();
    await starter.logged('Schedules ensured');
    surroundings.proxy.hold();
    const id = newUserId();
    const answering = deliver(starter.url, eventAbout(id));
    await waitUntil(() => surroundings.proxy.held() > 0, { describe: 'the delivery on its way to Temporal' });
    starter.signal('SIGTERM');
    await waitUntil(() => refused(starter.url), { describe: 'new connections to be refused' });
    surroundings.proxy.release();
    const response = await answering;
    expect(response.status).toBe(202);
    await endsSoon(starter);
    expect(
      (await surroundings.service.client.workflow.getHandle(syncUserWorkflowId(id)).describe()).status.name,
    ).toBe('RUNNING');
  });

  test.each(['SIGTERM', 'SIGINT'] as const)('idle, by %s, it exits with 0', async (name) => {
    const starter = await surroundings.startStarter();
    starter.signal(name);
    expect(await starter.exited).toEqual({ code: 0, signal: null });
    expect(starter.logs().at(-1)).toMatchObject({ msg: 'Starter stopped' });
  });

  describe('while Temporal is away', () => {
    afterEach(() => surroundings.proxy.restore());

    test('it exits with 0 soon, though the schedules are not ensured yet', async () => {
      await surroundings.proxy.cut();
      const starter = await surroundings.startStarter();
      starter.signal('SIGTERM');
      await endsSoon(starter);
    });

    test('it says where and for what it waits, and ensures the schedules once Temporal is there', async () => {
      await surroundings.proxy.cut();
      const starter = await surroundings.startStarter();
      expect(await starter.logged('Waiting for Temporal')).toMatchObject({
        detail: expect.stringContaining(`Temporal at ${surroundings.proxy.address}`),
      });
      await surroundings.proxy.restore();
      await starter.logged('Schedules ensured');
      expect(starter.logs().filter(({ msg }) => msg === 'Waiting for Temporal')).toHaveLength(1);
    });

    test('it exits with 0 soon after a delivery that Temporal did not take', async () => {
      const starter = await surroundings.startStarter();
      await starter.logged('Schedules ensured');
      expect((await deliver(starter.url, eventAbout(newUserId()))).status).toBe(202);
      await surroundings.proxy.cut();
      expect((await deliver(starter.url, eventAbout(newUserId()))).status).toBe(503);
      starter.signal('SIGTERM');
      await endsSoon(starter);
    });
  });
});

test('told to end, it exits with 0 though a client has sent half a request and sends no more', async () => {
  const starter = await surroundings.startStarter();
  const client = connect(Number(new URL(starter.url).port), '127.0.0.1');
  client.on('error', () => undefined);
  await once(client, 'connect');
  client.write('POST /webhooks/clerk HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf');
  starter.signal('SIGTERM');
  expect(await starter.exited).toEqual({ code: 0, signal: null });
});

test('in a namespace that is not there it goes on, and says so in words', async () => {
  const starter = await surroundings.startStarter({ TEMPORAL_NAMESPACE: 'no-such-namespace' });
  expect(await starter.logged('Waiting for Temporal')).toMatchObject({
    level: 50,
    detail: expect.stringMatching(/namespace no-such-namespace\) does not have the namespace/),
  });
  expect((await deliver(starter.url, eventAbout(newUserId()))).status).toBe(503);
});

test('settings that are missing or wrong end it with 1, every one named and none with its value', async () => {
  const command = runCommand('starter', {
    PORT: 'marker-port',
    CLERK_WEBHOOK_SIGNING_SECRET: 'whsec_marker-secret',
    SYNC_MODE: 'marker-mode',
    RECONCILE_INTERVAL_SECONDS: '-77777',
    CLERK_API_URL: 'marker://url',
    TEMPORAL_ADDRESS: surroundings.proxy.address,
  });
  expect(await command.exited).toEqual({ code: 1, signal: null });
  for (const name of [
    'PORT',
    'CLERK_WEBHOOK_SIGNING_SECRET',
    'SYNC_MODE',
    'RECONCILE_INTERVAL_SECONDS',
    'CLERK_API_URL',
    'DATABASE_URL is missing',
  ]) {
    expect(command.output()).toContain(`- ${name}`);
  }
  expect(command.output()).not.toMatch(/marker|77777/);
  expect(command.output()).not.toMatch(/^ +at /m);
});

/** With 0, and long before a connection that is kept alive (65 s) or a retry without end would let it. */
async function endsSoon(starter: RunningCommand): Promise<void> {
  const fromMs = performance.now();
  expect(await starter.exited).toEqual({ code: 0, signal: null });
  expect(performance.now() - fromMs).toBeLessThan(30_000);
}

async function refused(url: string): Promise<boolean> {
  try {
    await (await fetch(`${url}/healthz`, { headers: { connection: 'close' } })).text();
    return false;
  } catch {
    return true;
  }
}
