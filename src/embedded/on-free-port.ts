import { createServer } from 'node:net';

/**
 * Starts a server on its preferred port, or on another when something listens there on 127.0.0.1. Should the port be
 * taken between the look and the start, the start is tried once more on another.
 */
export async function onFreePort<T>(preferred: number, start: (port: number) => Promise<T>): Promise<T> {
  try {
    return await start(await freePort(preferred));
  } catch (error) {
    if (!/address already in use/i.test(String(error))) throw error;
    return start(await freePort(0));
  }
}

/** @returns the preferred port when it is free on 127.0.0.1, else one that is. */
export async function freePort(preferred: number): Promise<number> {
  const port = (await tryPort(preferred)) ?? (await tryPort(0));
  if (port === undefined) throw new Error('No port is free on 127.0.0.1');
  return port;
}

function tryPort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(undefined));
    probe.listen({ host: '127.0.0.1', port, exclusive: true }, () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : undefined));
    });
  });
}
