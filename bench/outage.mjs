// How long after Temporal is back until a delivery is taken, and until it has its row: what an outage costs beyond itself.
import { once } from 'node:events';
import net from 'node:net';
import { parseArgs } from 'node:util';
import { startClerk } from './clerk.mjs';
import { closing } from './closing.mjs';
import { printMachine, printTable } from './print.mjs';
import { startStarter, startWorker } from './processes.mjs';
import { startServers } from './servers.mjs';
import { sendWebhooks } from './webhooks.mjs';

export default async function outage(args) {
  const { values } = parseArgs({
    args,
    options: { seconds: { type: 'string', default: '100' }, rounds: { type: 'string', default: '3' } },
  });
  const [seconds, rounds] = [values.seconds, values.rounds].map(Number);
  printMachine();
  await closing(async (later) => {
    const servers = later(await startServers());
    const clerk = later(await startClerk(0));
    const database = later(await servers.database('outage'));
    const proxy = later(await startProxy(servers.temporalAddress));
    const behindProxy = { servers: { temporalAddress: proxy.address }, clerk, database };
    later(await startWorker({ ...behindProxy, budget: 20 }));
    const starter = later(await startStarter(behindProxy));
    const load = later(sendWebhooks({ url: () => starter.url, users: 1_000_000, parallel: 4 }));
    const taken = async (more) => {
      const wanted = (load.answers()[202] ?? 0) + more;
      while ((load.answers()[202] ?? 0) < wanted) await sleep(20);
    };
    const rows = [];
    for (let round = 1; round <= rounds; round++) {
      await taken(20);
      await proxy.cut();
      await sleep(seconds * 1000);
      await proxy.restore();
      const backAtMs = performance.now();
      const since = () => ((performance.now() - backAtMs) / 1000).toFixed(1);
      await taken(1);
      const takenAfter = since();
      const goOn = load.hold();
      const behind = await load.catchUp(database.sql, 120_000);
      rows.push([String(round), takenAfter, since(), behind.length]);
      goOn();
    }
    printTable(['outage', 'first 202 after s', 'all rows after s', 'acknowledged, no row'], rows);
    console.log(`\nOutages of ${seconds} s, counted from when connections to Temporal succeed again.`);
  });
}

async function startProxy(target) {
  const [host, port] = target.split(':');
  const sockets = new Set();
  const server = net.createServer((client) => {
    const upstream = net.connect(Number(port), host);
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ]) {
      sockets.add(socket);
      socket.pipe(other);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
  });
  const listen = async (at) => {
    server.listen(at, '127.0.0.1');
    await once(server, 'listening');
  };
  const cut = async () => {
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  await listen(0);
  const { port: own } = server.address();
  return { address: `127.0.0.1:${own}`, cut, restore: () => listen(own), stop: cut };
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
