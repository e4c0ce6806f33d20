import { mkdir } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import { Connection } from '@temporalio/client';
import { SYNC_STATUS_ATTRIBUTE } from '../names.js';
import { freePort, onFreePort } from './on-free-port.js';
import { type RunningServer, runServer } from './run-server.js';

export interface StartTemporalOptions {
  /** See findTemporalCli. */
  cliPath: string;
  /** Preferred gRPC port; another free one is taken when it is in use. Default 7233. */
  port?: number | undefined;
  /** Preferred port of the Web UI, default 8233. */
  uiPort?: number | undefined;
  /** No Web UI. */
  headless?: boolean | undefined;
  /** SQLite file that keeps everything over restarts; without it the server forgets. */
  databaseFile?: string | undefined;
  /** Besides `default`. */
  namespaces?: string[] | undefined;
  /** Name to type, for every namespace above; default `SyncStatus=Keyword`. */
  searchAttributes?:
    | Record<string, 'Keyword' | 'Text' | 'Int' | 'Double' | 'Bool' | 'Datetime' | 'KeywordList'>
    | undefined;
  /** More dynamic configuration; values are JSON. */
  dynamicConfig?: Record<string, string> | undefined;
  logFile: string;
  /** Default 30,000. */
  startTimeoutMs?: number | undefined;
  onDeath?: ((error: Error) => void) | undefined;
}

export interface EmbeddedTemporal extends RunningServer {
  /** host:port for Temporal clients and workers. */
  address: string;
  port: number;
  /** The Web UI; absent when headless. */
  uiUrl?: string;
}

/** grpc.health.v1.HealthCheckResponse.ServingStatus */
const SERVING = 1;
const PROBE_TIMEOUT_MS = 5_000;

/**
 * The dev server polls its queues 20 times a second and fires timers up to a second late, which is what a visitor or a
 * test would wait for; these values make a webhook's row appear in tens of milliseconds. One partition: with one
 * worker, more only delay.
 */
const DYNAMIC_CONFIG: Record<string, string> = {
  'history.transferProcessorMaxPollRPS': '2000',
  'history.timerProcessorMaxPollRPS': '2000',
  'history.timerProcessorMaxTimeShift': '"10ms"',
  'matching.numTaskqueueReadPartitions': '1',
  'matching.numTaskqueueWritePartitions': '1',
};

/**
 * Starts Temporal's dev server on 127.0.0.1. It ends with this process, however that ends.
 *
 * @returns once the frontend reports SERVING; the namespaces and search attributes are then usable.
 * @throws Error with the tail of the server's log when it does not start.
 * @see https://docs.temporal.io/cli/server#start-dev
 */
export async function startTemporal(options: StartTemporalOptions): Promise<EmbeddedTemporal> {
  const { headless = false } = options;
  const databaseFile = options.databaseFile && path.resolve(options.databaseFile);
  if (databaseFile) await mkdir(path.dirname(databaseFile), { recursive: true });
  return onFreePort(options.port ?? 7233, async (port) => {
    const uiPort = headless ? undefined : await freePort(options.uiPort ?? 8233);
    const address = `127.0.0.1:${port}`;
    const server = await runServer({
      name: 'Temporal',
      command: options.cliPath,
      args: serverArguments({ ...options, databaseFile }, port, uiPort),
      cwd: path.dirname(path.resolve(databaseFile ?? options.logFile)),
      // An orderly end takes a second; without a file there is nothing to keep in order.
      stopSignal: databaseFile ? 'SIGTERM' : 'SIGKILL',
      stopTimeoutMs: 15_000,
      logFile: options.logFile,
      startTimeoutMs: options.startTimeoutMs ?? 30_000,
      isReady: () => isServing(port),
      onDeath: options.onDeath,
    });
    return {
      ...server,
      address,
      port,
      ...(uiPort === undefined ? {} : { uiUrl: `http://127.0.0.1:${uiPort}` }),
    };
  });
}

function serverArguments(options: StartTemporalOptions, port: number, uiPort: number | undefined): string[] {
  const {
    databaseFile,
    namespaces = [],
    searchAttributes = { [SYNC_STATUS_ATTRIBUTE]: 'Keyword' },
  } = options;
  const pairs = (flag: string, values: Record<string, string>) =>
    Object.entries(values).flatMap(([key, value]) => [flag, `${key}=${value}`]);
  return [
    ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--log-level', 'warn'],
    ...(uiPort ? ['--ui-port', String(uiPort)] : ['--headless']),
    ...namespaces.flatMap((namespace) => ['--namespace', namespace]),
    ...pairs('--search-attribute', searchAttributes),
    ...pairs('--dynamic-config-value', { ...DYNAMIC_CONFIG, ...options.dynamicConfig }),
    // The journal alone doubles the dev server's throughput on disk.
    ...(databaseFile
      ? [
          '--db-filename',
          databaseFile,
          ...pairs('--sqlite-pragma', { journal_mode: 'WAL', synchronous: 'NORMAL' }),
        ]
      : []),
  ];
}

async function isServing(port: number): Promise<boolean> {
  // A gRPC channel that finds nobody listening waits a second before it looks again.
  if (!(await isListening(port))) return false;
  const connection = await Connection.connect({
    address: `127.0.0.1:${port}`,
    connectTimeout: PROBE_TIMEOUT_MS,
  });
  try {
    const { status } = await connection.withDeadline(Date.now() + PROBE_TIMEOUT_MS, () =>
      connection.healthService.check({ service: 'temporal.api.workflowservice.v1.WorkflowService' }),
    );
    return status === SERVING;
  } finally {
    await connection.close();
  }
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    const answer = (listening: boolean) => {
      socket.destroy();
      resolve(listening);
    };
    socket.once('connect', () => answer(true)).once('error', () => answer(false));
  });
}
