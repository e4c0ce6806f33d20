import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Stands before a server, to hold up or cut what passes. */
export interface TcpProxy {
  /** `127.0.0.1:port` */
  address: string;
  /** From now on takes whatever a client says, and passes nothing on. */
  hold(): void;
  /** How many bytes are being held. */
  held(): number;
  /** Passes on what was held, and everything again. */
  release(): void;
  /** Cuts every connection and refuses new ones, as if nothing listened. */
  cut(): Promise<void>;
  /** Listens again, if it does not. */
  restore(): Promise<void>;
  close(): Promise<void>;
}

export async function startTcpProxy(target: string): Promise<TcpProxy> {
  const [host = '', port = ''] = target.split(':');
  const sockets = new Set<Socket>();
  let waiting: { to: Socket; data: Buffer }[] = [];
  let holding = false;
  const server = createServer((client) => {
    const upstream = connect(Number(port), host);
    client.on('data', (data) => {
      if (holding) waiting.push({ to: upstream, data });
      else upstream.write(data);
    });
    upstream.on('data', (data) => client.write(data));
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
  });
  const listen = async (at: number) => {
    server.listen(at, '127.0.0.1');
    await once(server, 'listening');
  };
  const cut = async () => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  await listen(0);
  const { port: own } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${own}`,
    hold() {
      holding = true;
    },
    held: () => waiting.reduce((sum, { data }) => sum + data.length, 0),
    release() {
      holding = false;
      for (const { to, data } of waiting) to.write(data);
      waiting = [];
    },
    cut,
    async restore() {
      if (!server.listening) await listen(own);
    },
    close: cut,
  };
}
