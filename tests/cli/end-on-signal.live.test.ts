import { createServer, type Server, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { waitUntil } from '../support/wait-until.js';
import { endCommands, runCommand } from './run-command.js';

/** Takes connections, and says nothing. */
let hanging: Server;
const connections = new Set<Socket>();
beforeAll(async () => {
  hanging = createServer((socket) => connections.add(socket));
  await new Promise<void>((resolve) => {
    hanging.listen(0, '127.0.0.1', resolve);
  });
});
afterEach(endCommands);
afterAll(() => {
  for (const socket of connections) socket.destroy();
  hanging.close();
});

test.each([
  ['migrate', 'SIGTERM', 143],
  ['migrate', 'SIGINT', 130],
  ['status', 'SIGTERM', 143],
] as const)('%s ends by %s with %i while Postgres hangs, in a container too', async (name, signal, code) => {
  const { port } = hanging.address() as { port: number };
  const before = connections.size;
  const command = runCommand(name, { DATABASE_URL: `postgres://app@127.0.0.1:${port}/app` });
  await waitUntil(() => connections.size > before, { describe: command.output, timeoutMs: 30_000 });
  command.signal(signal);
  // A code, not the signal: the first process of a container would not be ended by an unhandled one.
  expect(await command.exited).toEqual({ code, signal: null });
});
