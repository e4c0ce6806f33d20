import { type ChildProcess, fork } from 'node:child_process';
import { mkdir, open } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { readLogTail } from './read-log-tail.js';

/** What the keeper runs; sent to it as JSON. */
export interface ServerCommand {
  command: string;
  args: string[];
  cwd: string;
  /** The OS user to become; only root may. */
  uid?: number;
  gid?: number;
  /** Asks the server for an orderly end. */
  stopSignal: 'SIGINT' | 'SIGTERM' | 'SIGKILL';
  /** After this it is killed. */
  stopTimeoutMs: number;
}

/** What the keeper says: the server's pid once it runs, and why it ended. */
export type KeeperMessage = { pid: number } | { failure: string };

export interface RunServerOptions extends ServerCommand {
  /** How errors call the server. */
  name: string;
  /** Gets the server's output, appended. */
  logFile: string;
  /** Resolves to true once the server answers; asked again until then. */
  isReady: (pid: number) => Promise<boolean>;
  startTimeoutMs: number;
  /** The server's whole environment; this process's own by default. */
  env?: Record<string, string>;
  /** Called when the server ends though nobody stopped it. */
  onDeath?: ((error: Error) => void) | undefined;
}

export interface RunningServer {
  /** The server's own pid, not its keeper's. */
  pid: number;
  /** Resolves when the server and its keeper have ended; safe to call twice. */
  stop(): Promise<void>;
}

const POLL_MS = 25;

/**
 * Runs a server in a keeper process, so that it ends with this process however that ends.
 *
 * @returns once the server answers.
 * @throws Error with the log's tail when the server ends or does not answer in time; nothing is then left running.
 */
export async function runServer(options: RunServerOptions): Promise<RunningServer> {
  const { name, logFile, isReady, startTimeoutMs, onDeath, env, ...command } = options;
  await mkdir(path.dirname(logFile), { recursive: true });
  const log = await open(logFile, 'a');
  const { size: logStart } = await log.stat();
  const keeper = fork(fileURLToPath(new URL('./keeper.js', import.meta.url)), [JSON.stringify(command)], {
    detached: true,
    // A debugger's flags belong to this process only.
    execArgv: [],
    ...(env && { env }),
    stdio: ['ignore', log.fd, log.fd, 'ipc'],
  });
  await log.close();

  let failure: string | undefined;
  let pid = 0;
  let stopping = false;
  keeper.on('message', (message: KeeperMessage) => {
    if ('pid' in message) pid = message.pid;
    else failure ??= message.failure;
  });
  const couldNotStart = new Promise<void>((resolve) => {
    keeper.once('error', (error) => {
      failure ??= error.message;
      resolve();
    });
  });
  const happened = (event: string) => new Promise<void>((resolve) => keeper.once(event, () => resolve()));
  // Its last message is read before `disconnect`, not necessarily before `exit`.
  const exited = Promise.all([happened('exit'), happened('disconnect')]);
  const ended = Promise.race([couldNotStart, exited]).then(() => {
    failure ??= 'its keeper process was killed';
    if (pid && !stopping) endOrphan(pid, command.stopSignal);
  });
  const describe = async (problem: string) =>
    new Error(`${name} ${problem}. Its log, ${logFile}, ends with:\n${await readLogTail(logFile, logStart)}`);

  const stop = async (): Promise<void> => {
    stopping = true;
    release(keeper, false);
    if (keeper.connected) keeper.disconnect();
    await ended;
  };

  const deadline = Date.now() + startTimeoutMs;
  while (!(pid && (await isReady(pid).catch(() => false)))) {
    if (failure) {
      await stop();
      throw await describe(`did not start: ${failure}`);
    }
    if (Date.now() > deadline) {
      await stop();
      throw await describe(`did not answer within ${startTimeoutMs} ms`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }

  void ended.then(async () => {
    if (!stopping) onDeath?.(await describe(`ended unexpectedly: ${failure}`));
  });
  release(keeper, true);
  return { pid, stop };
}

/** A process that forgot to stop its server may still end; the server then ends with it. */
function release(keeper: ChildProcess, released: boolean): void {
  const verb = released ? 'unref' : 'ref';
  keeper[verb]();
  keeper.channel?.[verb]();
}

function endOrphan(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It had ended before its keeper did.
  }
}
