import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, realpath, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { isAlive } from './is-alive.js';

const run = promisify(execFile);

const WAIT_MS = 30_000;
const POLL_MS = 50;

/**
 * Makes way for a start on a data folder whose last Postgres was not stopped: one that lost its keeper is stopped; a
 * pid that now belongs to another program, for which Postgres would refuse to start, is forgotten.
 *
 * @throws Error when the Postgres there is in use by another process of this project.
 */
export async function endLeftoverPostgres(dataFolder: string, log: (message: string) => void): Promise<void> {
  const pidFile = path.join(dataFolder, 'postmaster.pid');
  if (!existsSync(pidFile)) return;
  const pid = Number.parseInt(await readFile(pidFile, 'utf8'), 10);
  if (!(pid > 0) || !isAlive(pid)) return;

  const { parent, command } = await inspect(pid);
  const folder = await realpath(dataFolder);
  if (!(command.includes('postgres') && (command.includes(dataFolder) || command.includes(folder)))) {
    log(`Process ${pid} is no Postgres of ${dataFolder}: removing the stale ${pidFile}`);
    await rm(pidFile, { force: true });
    return;
  }
  if ((await inspect(parent)).command.includes('keeper.js')) {
    throw new Error(
      `${dataFolder} is in use: another clerk-temporal-sync runs its Postgres (pid ${pid}). Stop that one first.`,
    );
  }
  log(`Stopping Postgres ${pid}, which an earlier run left behind`);
  process.kill(pid, 'SIGINT');
  const deadline = Date.now() + WAIT_MS;
  while (isAlive(pid) && existsSync(pidFile)) {
    if (Date.now() > deadline)
      throw new Error(`Postgres ${pid}, left behind by an earlier run, does not stop: end it by hand`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function inspect(pid: number): Promise<{ parent: number; command: string }> {
  const { stdout } = await run('ps', ['-o', 'ppid=,args=', '-ww', '-p', String(pid)]).catch(() => ({
    stdout: '',
  }));
  const [, parent = '0', command = ''] = /^\s*(\d+)\s+(.*)$/m.exec(stdout) ?? [];
  return { parent: Number(parent), command };
}
