import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, test } from '@jest/globals';
import { freePort, onFreePort } from '../../src/embedded/on-free-port.js';

test('a preferred port that is free is taken', async () => {
  const port = await freePort(0);
  expect(await freePort(port)).toBe(port);
});

test('a preferred port that is in use is passed over', async () => {
  const occupant = createServer().listen(0, '127.0.0.1');
  await once(occupant, 'listening');
  const { port } = occupant.address() as { port: number };
  expect(await freePort(port)).not.toBe(port);
  occupant.close();
});

test('a start that lost its port to another process is tried once more', async () => {
  const ports: number[] = [];
  const started = await onFreePort(0, async (port) => {
    ports.push(port);
    if (ports.length === 1) throw new Error('could not bind: Address already in use');
    return port;
  });
  expect(started).toBe(ports[1]);
});

test('a start that failed for another reason is not tried again', async () => {
  let starts = 0;
  const start = onFreePort(0, async () => {
    starts += 1;
    throw new Error('disk is full');
  });
  await expect(start).rejects.toThrow('disk is full');
  expect(starts).toBe(1);
});
