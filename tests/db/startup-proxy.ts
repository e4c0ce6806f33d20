import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** What a connection pooler takes without a word; the rest depends on its settings. */
const TAKEN = ['user', 'database', 'application_name', 'client_encoding'];

export interface StartupProxy {
  /** @returns the URL, through the proxy. */
  through(url: string): string;
  close(): Promise<void>;
}

/**
 * Stands before Postgres as a pooler does for a client's first message. `drops` passes on only what poolers know, without
 * a word, as PgBouncer does with `ignore_startup_parameters`; `refuses` answers as PgBouncer and Neon do without it.
 */
export async function startStartupProxy(target: string, manner: 'drops' | 'refuses'): Promise<StartupProxy> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    upstream.pipe(client);
    let first = Buffer.alloc(0);
    client.on('data', function gather(data) {
      first = Buffer.concat([first, data]);
      if (first.length < 4 || first.length < first.readInt32BE(0)) return;
      client.off('data', gather);
      const parameters = parametersOf(first);
      const unknown = parameters.find(([name]) => !TAKEN.includes(name));
      if (manner === 'refuses' && unknown) {
        client.end(errorResponse(`unsupported startup parameter: ${unknown[0]}`));
        return;
      }
      upstream.write(startupMessage(parameters.filter(([name]) => TAKEN.includes(name))));
      client.pipe(upstream);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const own = String((server.address() as AddressInfo).port);
  return {
    through(url) {
      const changed = new URL(url);
      changed.port = own;
      return changed.href;
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

type Parameters = (readonly [name: string, value: string])[];

/** @see https://www.postgresql.org/docs/current/protocol-message-formats.html, StartupMessage */
function parametersOf(message: Buffer): Parameters {
  const texts = message.subarray(8, message.readInt32BE(0)).toString().split('\0');
  return texts.flatMap((name, at) =>
    at % 2 === 0 && name !== '' ? [[name, texts[at + 1] ?? ''] as const] : [],
  );
}

function startupMessage(parameters: Parameters): Buffer {
  const body = Buffer.from(`${parameters.flat().join('\0')}\0\0`);
  const head = Buffer.alloc(8);
  head.writeInt32BE(body.length + 8, 0);
  head.writeInt32BE(196_608, 4);
  return Buffer.concat([head, body]);
}

function errorResponse(message: string): Buffer {
  const body = Buffer.from(`SFATAL\0VFATAL\0C08P01\0M${message}\0\0`);
  const head = Buffer.alloc(5);
  head.write('E');
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}
