import { createClerkApi } from '../clerk/clerk-api.js';
import { type Config, reconcileRequestsPerSecond, refetchRequestsPerSecond } from '../config.js';
import { connectDatabase } from '../db/database.js';
import type { Logger } from '../log.js';
import { namesFor } from '../names.js';
import { type RunningWorker, startWorker } from '../worker/start-worker.js';
import { createClockWatch, watchPostgresClock } from './clock-watch.js';
import { letGo } from './let-go.js';
import { loadClerkSyncConfig } from './load-clerk-sync-config.js';
import { tellAccessProblems } from './tell-access-problems.js';
import { tellUnfitColumns } from './tell-unfit-columns.js';
import { waitForTables } from './wait-for-tables.js';
import { waitForTemporal } from './wait-for-temporal.js';

/**
 * Builds the worker out of its settings and runs it, as soon as Temporal answers. The runtime must have been installed
 * before.
 *
 * @param ending ends the wait for Temporal; a worker that runs has `stop`.
 * @returns undefined when told to end before Temporal answered.
 */
export async function runWorker(
  config: Config,
  log: Logger,
  ending: AbortSignal,
): Promise<RunningWorker | undefined> {
  const { mapping, hooks } = await loadClerkSyncConfig(config.CLERK_SYNC_CONFIG);
  const connection = await waitForTemporal(config.temporal, log, ending);
  if (connection === undefined) return undefined;
  const db = connectDatabase({
    url: config.DATABASE_URL ?? '',
    poolSize: config.DATABASE_POOL_SIZE,
    emailUniqueness: config.EMAIL_UNIQUENESS,
  });
  const clocks = createClockWatch(log);
  const worker = await startWorker({
    connection,
    namespace: config.temporal.namespace ?? 'default',
    concurrency: config.DATABASE_POOL_SIZE,
    refetchesPerSecond: refetchRequestsPerSecond(config),
    names: namesFor(config.SYNC_NAME_PREFIX),
    deps: {
      db,
      clerk: createClerkApi({
        secretKey: config.CLERK_SECRET_KEY ?? '',
        apiUrl: config.CLERK_API_URL,
        onClock: (aheadMs) => clocks.observe('Clerk', aheadMs),
      }),
      keepPrivateMetadata: config.STORE_PRIVATE_METADATA,
      mapping,
      ...(hooks ? { hooks } : {}),
      deletion: { mode: config.DELETION_MODE, holdbackMs: config.DELETION_HOLDBACK_HOURS * 3_600_000 },
      userChangesRetentionDays: config.USER_CHANGES_RETENTION_DAYS,
      reconcile: {
        pageSize: config.RECONCILE_PAGE_SIZE,
        intervalMs: config.RECONCILE_INTERVAL_SECONDS * 1000,
        requestsPerSecond: reconcileRequestsPerSecond(config),
        tickShare: config.RECONCILE_TICK_SHARE,
        mostDeletedShare: config.RECONCILE_MOST_DELETED_SHARE,
        deletionGraceMs: config.RECONCILE_DELETION_GRACE_SECONDS * 1000,
      },
    },
  });
  const endClocks = watchPostgresClock(db, clocks);
  const stopping = new AbortController();
  const told = waitForTables(db, log, stopping.signal).then(async (areThere) => {
    if (areThere)
      await Promise.all([tellUnfitColumns(db, mapping?.columns ?? [], log), tellAccessProblems(db, log)]);
  });
  return {
    finished: worker.finished,
    async stop() {
      stopping.abort();
      await worker.stop();
      await letGo(Promise.all([told, endClocks()]));
      await letGo(db.$disconnect());
      await connection.close();
      log.info('Worker stopped');
    },
  };
}
