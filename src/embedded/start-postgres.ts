import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { endLeftoverPostgres } from './end-leftover-postgres.js';
import { onFreePort } from './on-free-port.js';
import { postgresBinaries } from './postgres-binaries.js';
import { prepareDataFolder } from './postgres-data-folder.js';
import { postgresIdentity } from './postgres-identity.js';
import { type RunningServer, runServer } from './run-server.js';

export interface StartPostgresOptions {
  /** Made, with its parents, when missing; keeps the data over restarts. */
  dataFolder: string;
  /** Preferred port; another free one is taken when it is in use. Default 54329. */
  port?: number | undefined;
  logFile: string;
  /** False gives up safety against power cuts for speed; for tests. Default true. */
  durable?: boolean | undefined;
  /** More of Postgres's settings, by name. */
  settings?: Record<string, string> | undefined;
  /** Default 60,000; recovery after a crash counts. */
  startTimeoutMs?: number | undefined;
  log?: ((message: string) => void) | undefined;
  onDeath?: ((error: Error) => void) | undefined;
}

export interface EmbeddedPostgres extends RunningServer {
  port: number;
  /** @returns the superuser's connection string for a database, default `postgres`. It holds a password. */
  url(database?: string): string;
}

const NOT_DURABLE = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };

/**
 * Starts PostgreSQL 18 on 127.0.0.1, in UTF-8, its texts ordered by code point. It ends with this process, however
 * that ends.
 *
 * @returns once it accepts connections.
 * @throws Error that says what to do where that is known, with the tail of the log where Postgres itself gave up.
 * @see https://www.postgresql.org/docs/18/runtime-config.html
 */
export async function startPostgres(options: StartPostgresOptions): Promise<EmbeddedPostgres> {
  const { logFile, durable = true, settings, log = () => {} } = options;
  const dataFolder = path.resolve(options.dataFolder);
  await mkdir(path.dirname(dataFolder), { recursive: true });
  const { initdb, postgres } = await postgresBinaries();
  const identity = await postgresIdentity(dataFolder, postgres);
  const password = await prepareDataFolder({ dataFolder, initdb, identity, durable, log });
  await endLeftoverPostgres(dataFolder, log);

  return onFreePort(options.port ?? 54_329, async (port) => {
    const allSettings = {
      listen_addresses: '127.0.0.1',
      port: String(port),
      // A socket file needs a folder that is writable, and short enough in its path.
      unix_socket_directories: '',
      timezone: 'UTC',
      log_timezone: 'UTC',
      // Neither statements nor rows: they hold people's names and addresses.
      log_min_error_statement: 'panic',
      log_error_verbosity: 'terse',
      ...(durable ? {} : NOT_DURABLE),
      ...settings,
    };
    const server = await runServer({
      name: 'Postgres',
      ...identity.commandFor(postgres, [
        ...['-D', dataFolder],
        ...Object.entries(allSettings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
      ]),
      cwd: '/',
      // Its users can read its environment, and ours holds secrets.
      env: { LC_ALL: 'C' },
      // Its fast shutdown: sessions are ended, data is written.
      stopSignal: 'SIGINT',
      stopTimeoutMs: 30_000,
      logFile,
      isReady: (pid) => acceptsConnections(dataFolder, pid),
      startTimeoutMs: options.startTimeoutMs ?? 60_000,
      onDeath: options.onDeath,
    });
    return {
      ...server,
      port,
      url: (database = 'postgres') => `postgresql://postgres:${password}@127.0.0.1:${port}/${database}`,
    };
  });
}

/** @see https://www.postgresql.org/docs/18/storage-file-layout.html postmaster.pid: its first line is the pid, its last the state */
async function acceptsConnections(dataFolder: string, pid: number): Promise<boolean> {
  const lines = (await readFile(path.join(dataFolder, 'postmaster.pid'), 'utf8')).split('\n');
  return Number(lines[0]) === pid && lines[7]?.trim() === 'ready';
}
