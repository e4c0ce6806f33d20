import { setTimeout } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import type { Config } from '../config.js';
import { connectDatabase, type Database } from '../db/database.js';
import { readSyncReadings } from '../db/read-sync-readings.js';
import { readUser } from '../db/read-user.js';
import type { Logger } from '../log.js';
import { namesFor } from '../names.js';
import { createApp } from '../starter/app.js';
import { ensureSchedules } from '../starter/ensure-schedules.js';
import { createStarterMetrics } from '../starter/metrics.js';
import { listen, type RunningServer } from '../starter/server.js';
import { shareRead } from '../starter/share-read.js';
import { createUserSignaler } from '../starter/signal-user.js';
import { createSyncUserNow } from '../starter/sync-user-now.js';
import { createWebhookVerifier } from '../starter/verify-webhook.js';
import { createClockWatch, watchPostgresClock } from './clock-watch.js';
import { askTemporal, boundedBackoff } from './connect-temporal.js';
import { letGo } from './let-go.js';
import { sessionVerifier } from './session-verifier.js';
import { tellTemporalProblem } from './tell-temporal-problem.js';
import { temporalProblem } from './temporal-problem.js';
import { waitForTables } from './wait-for-tables.js';

export interface RunningStarter extends Pick<RunningServer, 'url' | 'port'> {
  client: Client;
  /** Answers what is in flight, then lets go of everything. */
  stop(): Promise<void>;
}

const SCHEDULE_RETRY_MS = 2_000;
const READY_DEADLINE_MS = 2_500;
/** Less than the limits of /readyz and /metrics, which then say the same. */
const POSTGRES_ANSWER_MS = 1_900;

/** Builds the starter out of its settings and runs it. Starts even while Temporal is away, and then answers 503. */
export async function runStarter(config: Config, log: Logger): Promise<RunningStarter> {
  const namespace = config.temporal.namespace ?? 'default';
  const names = namesFor(config.SYNC_NAME_PREFIX);
  const connection = Connection.lazy(boundedBackoff(config.temporal.connectionOptions));
  const client = new Client({ connection, namespace });
  const db: Database = connectDatabase({
    url: config.DATABASE_URL ?? '',
    poolSize: 2,
    connectTimeoutMs: READY_DEADLINE_MS,
  });
  const stopping = new AbortController();
  const runs = {
    client,
    lingerMs: config.SYNC_LINGER_SECONDS * 1000,
    names,
  };
  const signalUser = createUserSignaler(runs);
  const readPostgres = shareRead(() => readSyncReadings(db), POSTGRES_ANSWER_MS);

  const app = createApp({
    verify: createWebhookVerifier(config.CLERK_WEBHOOK_SIGNING_SECRET ?? []),
    signalUser,
    sync: {
      syncUserNow: createSyncUserNow({ ...runs, signalUser }),
      readUser: (clerkUserId) => readUser(db, clerkUserId),
      verifySession: sessionVerifier(config, log),
      apiToken: config.API_TOKEN,
      corsOrigins: config.CORS_ORIGINS ?? [],
      names,
    },
    log,
    metrics: createStarterMetrics(readPostgres),
    mode: config.SYNC_MODE,
    keepPrivateMetadata: config.STORE_PRIVATE_METADATA,
    instanceId: config.CLERK_INSTANCE_ID,
    names,
    maxBodyBytes: config.WEBHOOK_MAX_BODY_BYTES,
    health: {
      temporal: async () => {
        await client.withAbortSignal(AbortSignal.timeout(READY_DEADLINE_MS), () =>
          client.workflowService.describeNamespace({ namespace }),
        );
        return true;
      },
      postgres: () => readPostgres().then(() => true),
      draining: () => stopping.signal.aborted,
    },
  });
  const server = await listen(app, config.PORT, config.HOST);
  const endClocks = watchPostgresClock(db, createClockWatch(log));
  const schedules = keepTryingSchedules();
  // It has no failure of its own, and ends with the starter.
  void waitForTables(db, log, stopping.signal);

  return {
    url: server.url,
    port: server.port,
    client,
    async stop() {
      stopping.abort();
      await server.drain();
      // Against a server that is away the SDK goes on retrying for a while, whatever one asks of it.
      await letGo(Promise.all([schedules, endClocks()]));
      await letGo(db.$disconnect());
      // The connection is left to the process's end: closed, it would throw out of retries that are still waiting.
      log.info('Starter stopped');
    },
  };

  async function keepTryingSchedules(): Promise<void> {
    const settings = {
      reconcileIntervalMs: config.RECONCILE_INTERVAL_SECONDS * 1000,
      sweepIntervalMs: config.SWEEP_INTERVAL_SECONDS * 1000,
    };
    const tell = tellTemporalProblem(log);
    while (!stopping.signal.aborted) {
      try {
        await askTemporal(config.temporal);
        await client.withAbortSignal(AbortSignal.any([stopping.signal, AbortSignal.timeout(10_000)]), () =>
          ensureSchedules(client, settings, names),
        );
        log.info(settings, 'Schedules ensured');
        return;
      } catch (error) {
        if (stopping.signal.aborted) return;
        tell(temporalProblem(error, config.temporal));
      }
      await setTimeout(SCHEDULE_RETRY_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }
}
