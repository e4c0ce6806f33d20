import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface RunningServer {
  url: string;
  port: number;
  /** Takes no new connections, lets requests in flight end, then resolves. */
  drain(): Promise<void>;
}

/**
 * Listens.
 *
 * @param port 0 takes a free one.
 * @throws Error that names the port when it is taken.
 */
export async function listen(app: RequestListener, port: number, host: string): Promise<RunningServer> {
  let draining = false;
  const server = createServer((request, response) => {
    // Kept-alive connections would otherwise bring requests for as long as keepAliveTimeout.
    if (draining) response.setHeader('Connection', 'close');
    response.once('close', () => draining && server.closeIdleConnections());
    app(request, response);
  });
  // Longer than a load balancer's idle time, so that it never reuses a connection that is just closing.
  server.keepAliveTimeout = 65_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const problem =
        cause.code === 'EADDRINUSE'
          ? 'is taken: set PORT to another, or end what listens there'
          : `failed: ${cause.message}`;
      reject(new Error(`Listening on ${host}:${port} ${problem}.`, { cause }));
    });
    server.listen(port, host, resolve);
  });
  const { port: taken } = server.address() as AddressInfo;
  return {
    port: taken,
    url: `http://${reachable(host)}:${taken}`,
    drain: () =>
      new Promise((resolve, reject) => {
        draining = true;
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeIdleConnections();
      }),
  };
}

/** An address to call for one to listen on. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
