import { once } from 'node:events';
import { Agent, request as httpRequest } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { listen } from '../../src/starter/server.js';
import { deferred } from './deferred.js';

describe('listening', () => {
  test('on port 0 takes a free port and tells its address', async () => {
    const server = await listen((_request, response) => response.end('here'), 0, '127.0.0.1');
    try {
      expect(server.port).toBeGreaterThan(0);
      expect(server.url).toBe(`http://127.0.0.1:${server.port}`);
      expect(await (await fetch(server.url)).text()).toBe('here');
    } finally {
      await server.drain();
    }
  });

  test('on every interface tells an address that can be opened', async () => {
    const server = await listen((_request, response) => response.end(), 0, '0.0.0.0');
    try {
      expect(server.url).toBe(`http://127.0.0.1:${server.port}`);
    } finally {
      await server.drain();
    }
  });

  test('on a port that is taken fails, and names the port and the setting', async () => {
    const first = await listen((_request, response) => response.end(), 0, '127.0.0.1');
    try {
      await expect(listen(() => undefined, first.port, '127.0.0.1')).rejects.toThrow(
        `Listening on 127.0.0.1:${first.port} is taken: set PORT to another`,
      );
    } finally {
      await first.drain();
    }
  });

  test('on an address that is not ours fails, and says why', async () => {
    await expect(listen(() => undefined, 0, '192.0.2.1')).rejects.toThrow(
      /192\.0\.2\.1:0 failed: .*EADDRNOTAVAIL/,
    );
  });
});

describe('draining', () => {
  test.each([
    ['a connection of its own', false as const],
    ['a connection that is kept alive', new Agent({ keepAlive: true })],
  ])('lets a request in flight on %s end, and resolves only then', async (_, agent) => {
    const arrived = deferred();
    const finish = deferred();
    const server = await listen(
      async (_request, response) => {
        arrived.resolve();
        await finish.promise;
        response.end('answered');
      },
      0,
      '127.0.0.1',
    );
    const request = httpRequest(server.url, { agent, method: 'POST' }).end();
    const answering = once(request, 'response');
    await arrived.promise;
    let drained = false;
    const draining = server.drain().finally(() => {
      drained = true;
    });
    await expect(fetch(server.url)).rejects.toThrow('fetch failed');
    expect(drained).toBe(false);
    finish.resolve();
    const [response] = await answering;
    expect((await response.toArray()).join('')).toBe('answered');
    await draining;
  });

  test('does not wait for connections that are kept open idle', async () => {
    const server = await listen((_request, response) => response.end('x'), 0, '127.0.0.1');
    await (await fetch(server.url)).text();
    await server.drain();
    await expect(fetch(server.url)).rejects.toThrow('fetch failed');
  });
});
