/**
 * The entry of a small child process that runs one server and ends with its parent. It is in a process group of its
 * own, so that Ctrl-C in a terminal reaches only the service, which then stops its servers in order; and the channel to
 * the parent closes whatever ended the parent, SIGKILL too.
 */
import { spawn } from 'node:child_process';
import type { KeeperMessage, ServerCommand } from './run-server.js';

const argument = process.argv[2];
if (!argument) throw new Error('keeper.js is started by run-server.js with the command to run');
const { command, args, cwd, uid, gid, stopSignal, stopTimeoutMs } = JSON.parse(argument) as ServerCommand;

const tell = (message: KeeperMessage, then = () => {}): void => {
  if (process.connected && process.send) process.send(message, undefined, undefined, then);
};
const endWith = (exitCode: number, failure: string): void => {
  process.exitCode = exitCode;
  tell({ failure }, () => process.connected && process.disconnect());
};

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});

const server = spawn(command, args, {
  cwd,
  ...(uid === undefined ? {} : { uid }),
  ...(gid === undefined ? {} : { gid }),
  stdio: ['ignore', 'inherit', 'inherit'],
});
server.once('spawn', () => tell({ pid: server.pid ?? 0 }));
server.once('error', (error) => endWith(1, error.message));
server.once('exit', (code, signal) =>
  endWith(code ?? 1, signal ? `it was ended by ${signal}` : `it exited with code ${code}`),
);

const stop = (): void => {
  server.kill(stopSignal);
  setTimeout(() => server.kill('SIGKILL'), stopTimeoutMs).unref();
};
// The parent may have ended before this line was reached; its event is then over.
if (process.connected) process.once('disconnect', stop);
else stop();
