import { existsSync } from 'node:fs';
import { readFile, realpath, rm } from 'node:fs/promises';
import path from 'node:path';
import { inspectProcess } from './inspect-process.js';
import { isAlive } from './is-alive.js';

const WAIT_MS = 30_000;
const POLL_MS = 50;
/** A server's command line, or the title that its own processes give themselves. */
const POSTGRES = /(^|[/\\])postgres(\.exe|:)?( |$)/;

/**
 * Makes way for a start on a data folder whose last Postgres was not stopped: one that lost its keeper is stopped; a
 * pid that now belongs to another program, for which Postgres would refuse to start, is forgotten. In doubt nothing is
 * touched, for two Postgres on one folder destroy it; Postgres then refuses to start.
 *
 * @throws Error when the Postgres there is in use by another process of this project.
 */
export async function endLeftoverPostgres(dataFolder: string, log: (message: string) => void): Promise<void> {
  const pidFile = path.join(dataFolder, 'postmaster.pid');
  if (!existsSync(pidFile)) return;
  const pid = Number.parseInt(await readFile(pidFile, 'utf8'), 10);
  if (!(pid > 0) || !isAlive(pid)) return;

  const found = await inspectProcess(pid);
  if (!found) return;
  if (!POSTGRES.test(found.command)) {
    log(`Process ${pid} is no Postgres: removing the stale ${pidFile}`);
    await rm(pidFile, { force: true });
    return;
  }
  const names = [dataFolder, await realpath(dataFolder)];
  if (!names.some((name) => found.command.includes(`-D ${name} `))) return;
  const parent = await inspectProcess(found.parentPid);
  if (parent?.command.includes('keeper.js')) {
    throw new Error(
      `${dataFolder} is in use: another clerk-temporal-sync runs its Postgres (pid ${pid}). Stop that one first.`,
    );
  }
  log(`Stopping Postgres ${pid}, which an earlier run left behind`);
  process.kill(pid, 'SIGINT');
  const deadline = Date.now() + WAIT_MS;
  while (isAlive(pid) && existsSync(pidFile)) {
    if (Date.now() > deadline)
      throw new Error(`Postgres ${pid}, left by an earlier run, does not stop: end it by hand`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
