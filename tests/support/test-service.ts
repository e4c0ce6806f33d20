import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Runtime } from '@temporalio/worker';
import type { ActivityDependencies } from '../../src/activities/dependencies.js';
import { createClerkApi } from '../../src/clerk/clerk-api.js';
import { type StandIn, type StandInOptions, startStandIn } from '../../src/clerk-stand-in/start-stand-in.js';
import { connectDatabase, type Database } from '../../src/db/database.js';
import type { Names } from '../../src/names.js';
import type { UserHooks } from '../../src/user-hooks.js';
import { type RunningWorker, startWorker } from '../../src/worker/start-worker.js';
import { fromSetUp } from './from-set-up.js';
import { createTestDatabase, type TestDatabase } from './test-database.js';
import { createTestNamespace } from './test-namespace.js';

export interface TestServiceOptions {
  standIn?: StandInOptions;
  pageSize?: number;
  /** Default 400; the windows of a larger sweep are workflows of their own. */
  pagesPerRun?: number;
  /** Default: as many as the rate allows. */
  pagesPerTask?: number;
  requestsPerSecond?: number;
  /** Default 500. */
  refetchesPerSecond?: number;
  /** One request's limit; default 5,000. */
  clerkTimeoutMs?: number;
  intervalMs?: number;
  /** Default 1: a sweep whenever the rate allows one. */
  tickShare?: number;
  /** Default 0: tests delete users seconds after they were seen. */
  deletionGraceMs?: number;
  /** Default: tombstones stay as they are. */
  deletion?: ActivityDependencies['deletion'];
  /** Default 0.05: more deletions in 24 hours wait for an operator. */
  mostDeletedShare?: number;
  userChangesRetentionDays?: number;
  hooks?: UserHooks;
  /** Default: a migrated one of its own. */
  database?: TestDatabase;
  /** Default: one of its own. */
  namespace?: string;
  /** Default: those without a prefix. */
  names?: Names;
  /** Default true: whether the namespace has the search attribute. */
  syncStatus?: boolean;
}

/** A namespace, a database, a stand-in and a worker of a test file's own. */
export interface TestService {
  namespace: string;
  client: Client;
  database: TestDatabase;
  db: Database;
  standIn: StandIn;
  /** @param clerk the stand-in whose key and address the worker gets; by default this service's. @param hooks by default the options'. */
  startWorker(clerk?: StandIn, hooks?: UserHooks): Promise<RunningWorker>;
  stopWorker(): Promise<void>;
  stop(): Promise<void>;
}

export async function startTestService(options: TestServiceOptions = {}): Promise<TestService> {
  quietRuntime();
  const [namespace, database] = await Promise.all([
    options.namespace ?? createTestNamespace(options),
    options.database ?? createTestDatabase(),
  ]);
  const standIn = await startStandIn(options.standIn ?? {});
  const connection = await Connection.connect({
    address: fromSetUp('TEST_TEMPORAL_ADDRESS'),
    connectTimeout: '2m',
  });
  const client = new Client({ connection, namespace });
  const db = connectDatabase({ url: database.url, poolSize: 10, connectTimeoutMs: 120_000 });
  const native = await NativeConnection.connect({ address: fromSetUp('TEST_TEMPORAL_ADDRESS') });
  let worker: RunningWorker | undefined;

  const stopWorker = async () => {
    await worker?.stop();
    worker = undefined;
  };
  return {
    namespace,
    client,
    database,
    db,
    standIn,
    stopWorker,
    async startWorker(clerk = standIn, hooks = options.hooks) {
      worker = await startWorker({
        connection: native,
        namespace,
        concurrency: 10,
        refetchesPerSecond: options.refetchesPerSecond ?? 500,
        ...(options.names && { names: options.names }),
        deps: {
          db,
          clerk: createClerkApi({
            secretKey: clerk.secretKey,
            apiUrl: clerk.url,
            timeoutMs: options.clerkTimeoutMs ?? 5_000,
          }),
          ...(hooks === undefined ? {} : { hooks }),
          keepPrivateMetadata: false,
          deletion: options.deletion ?? { mode: 'soft', holdbackMs: 0 },
          userChangesRetentionDays: options.userChangesRetentionDays,
          reconcile: {
            pageSize: options.pageSize ?? 500,
            pagesPerRun: options.pagesPerRun,
            pagesPerTask: options.pagesPerTask,
            intervalMs: options.intervalMs ?? 15_000,
            requestsPerSecond: options.requestsPerSecond ?? 500,
            tickShare: options.tickShare ?? 1,
            mostDeletedShare: options.mostDeletedShare ?? 0.05,
            deletionGraceMs: options.deletionGraceMs ?? 0,
          },
        },
      });
      return worker;
    },
    async stop() {
      await stopWorker();
      await standIn.stop();
      await native.close();
      await connection.close();
      await db.$disconnect();
      await database.drop();
    },
  };
}

let quiet = false;
/** Once a process; Temporal's own log would drown the test runner's. */
export function quietRuntime(): void {
  if (quiet) return;
  quiet = true;
  const nothing = () => undefined;
  Runtime.install({
    logger: { log: nothing, trace: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing },
    shutdownSignals: [],
  });
}
