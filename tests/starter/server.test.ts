import { once } from 'node:events';
import { Agent, request as httpRequest, type RequestListener } from 'node:http';
import { connect, type Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { listen } from '../../src/starter/server.js';
import { waitUntil } from '../support/wait-until.js';
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

/** What a client may leave unfinished, by what it has sent. */
const UNFINISHED: [string, string][] = [
  ['nothing', ''],
  ['half a header', 'POST / HTTP/1.1\r\nHost: x\r\nX-Half'],
  ['half a body', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf'],
  ['half a chunk', 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n40\r\nhalf'],
  ['a whole request, and half of the next one', 'GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HT'],
];

/** Reads the whole body, as the app does, then answers. */
const answerWhole: RequestListener = async (request, response) => {
  await request.toArray().catch(() => undefined);
  response.end('answered');
};

/** Resolves once the server has what was sent, as far as that can be seen from here. */
async function send(port: number, text: string): Promise<Socket & { received: string }> {
  const socket = Object.assign(connect(port, '127.0.0.1'), { received: '' });
  socket.on('error', () => undefined);
  socket.setEncoding('utf8').on('data', (data: string) => {
    socket.received += data;
  });
  await once(socket, 'connect');
  if (text !== '') await new Promise<void>((resolve) => socket.write(text, () => resolve()));
  // Another connection's answer: by then the server has looked at this one.
  await (await fetch(`http://127.0.0.1:${port}`)).text();
  return socket;
}

describe('connections that clients leave unfinished', () => {
  const GRACE = { arrivingMs: 50, answeringMs: 60_000 };

  test.each(UNFINISHED)('with %s sent are closed when draining', async (_, text) => {
    const server = await listen(answerWhole, 0, '127.0.0.1', GRACE);
    const socket = await send(server.port, text);
    const closed = once(socket, 'close');
    await server.drain();
    await closed;
  });

  test('whose body arrives whole in time are answered all the same', async () => {
    const server = await listen(answerWhole, 0, '127.0.0.1', { ...GRACE, arrivingMs: 60_000 });
    const socket = await send(server.port, 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\nhalf');
    const draining = server.drain();
    socket.write('half');
    await draining;
    await waitUntil(() => socket.received.includes('answered'), { describe: () => socket.received });
  });

  test('do not take the time of a request that arrived whole', async () => {
    const arrived = deferred();
    const finish = deferred();
    const server = await listen(
      async (request, response) => {
        if (request.method === 'PUT') {
          arrived.resolve();
          await finish.promise;
        }
        response.end('answered');
      },
      0,
      '127.0.0.1',
      GRACE,
    );
    const unfinished = await send(server.port, UNFINISHED[1]?.[1] ?? '');
    const answering = once(httpRequest(server.url, { method: 'PUT' }).end(), 'response');
    await arrived.promise;
    const closed = once(unfinished, 'close');
    const draining = server.drain();
    await closed;
    finish.resolve();
    const [response] = await answering;
    expect((await response.toArray()).join('')).toBe('answered');
    await draining;
  });

  test('are closed at the end of the grace time, though their answer is not read or never comes', async () => {
    const unread = Buffer.alloc(64 * 1024 * 1024);
    const server = await listen(
      (request, response) => {
        if (request.url === '/large') response.end(unread);
        else if (request.url === '/never') return;
        else response.end();
      },
      0,
      '127.0.0.1',
      { arrivingMs: 50, answeringMs: 100 },
    );
    for (const path of ['/large', '/never']) {
      const socket = await send(server.port, `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
      socket.pause();
    }
    await server.drain();
  });

  test.each(UNFINISHED.slice(1, 4))(
    'with %s sent are answered with 408 though nothing drains',
    async (_, text) => {
      const limits = { headersTimeout: 100, requestTimeout: 200, connectionsCheckingInterval: 50 };
      const server = await listen(answerWhole, 0, '127.0.0.1', GRACE, limits);
      try {
        const socket = await send(server.port, text);
        await waitUntil(() => socket.destroyed, { describe: 'the connection to be closed' });
        expect(socket.received).toContain('408 Request Timeout');
      } finally {
        await server.drain();
      }
    },
  );
});
