import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface RunningServer {
  url: string;
  port: number;
  /**
   * Takes no new connections, lets requests that arrived whole be answered, and closes the rest. Resolves within the
   * grace time, whatever clients do.
   */
  drain(): Promise<void>;
}

/** How long draining waits, milliseconds. */
export interface Grace {
  /** For a request that has begun to arrive, and whose rest may be on its way. */
  arrivingMs: number;
  /** For answers to requests that arrived whole. Longer than any answer takes: a webhook's 5 s, `POST /v1/sync/me`'s 10 s. */
  answeringMs: number;
}

const GRACE: Grace = { arrivingMs: 2_000, answeringMs: 12_000 };

/**
 * A request that has not arrived whole by then is answered with 408. Svix gives a whole delivery 15 s. Node's own limits
 * are 60 s, and 300 s with the body, looked at every 30 s.
 */
const LIMITS = { headersTimeout: 10_000, requestTimeout: 30_000, connectionsCheckingInterval: 2_000 };
/** A connection on which nothing moves, such as one whose client does not read its answer. */
const SILENCE_MS = 60_000;

/**
 * Listens.
 *
 * @param port 0 takes a free one.
 * @param limits of a request's arrival, in milliseconds, as Node names them.
 * @throws Error that names the port when it is taken.
 */
export async function listen(
  app: RequestListener,
  port: number,
  host: string,
  grace: Grace = GRACE,
  limits = LIMITS,
): Promise<RunningServer> {
  let draining = false;
  const open = new Map<Socket, IncomingMessage | undefined>();
  const server = createServer(limits, (request, response) => {
    open.set(request.socket, request);
    // Kept-alive connections would otherwise bring requests for as long as keepAliveTimeout.
    if (draining) response.setHeader('Connection', 'close');
    response.once('close', () => {
      if (open.has(request.socket)) open.set(request.socket, undefined);
      if (draining) server.closeIdleConnections();
    });
    app(request, response);
  });
  server.on('connection', (socket) => {
    open.set(socket, undefined);
    socket.once('close', () => open.delete(socket));
  });
  // Longer than a load balancer's idle time, so that it never reuses a connection that is just closing.
  server.keepAliveTimeout = 65_000;
  server.timeout = SILENCE_MS;
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
        const timers = [
          setTimeout(closeWithoutRequest, grace.arrivingMs),
          setTimeout(() => server.closeAllConnections(), grace.answeringMs),
        ];
        server.close((error) => {
          for (const timer of timers) clearTimeout(timer);
          if (error) reject(error);
          else resolve();
        });
        server.closeIdleConnections();
      }),
  };

  /** `server.close()` waits for connections that sent nothing, or half a request, for as long as they stay. */
  function closeWithoutRequest(): void {
    for (const [socket, request] of open) if (!request?.complete) socket.destroy();
  }
}

/** An address to call for one to listen on. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
