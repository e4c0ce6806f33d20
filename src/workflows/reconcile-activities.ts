import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import { RECONCILE_TASK_QUEUE } from '../names.js';

/** For ever, and visibly: an outage of Postgres or Clerk ends by itself, and the Web UI shows attempt and cause. */
const retry = { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m' } as const;

/** They ask Clerk, so they run on the queue whose rate is the reconcile's share of Clerk's limit. */
export const askingClerk = proxyActivities<Activities>({
  taskQueue: RECONCILE_TASK_QUEUE,
  startToCloseTimeout: '5m',
  heartbeatTimeout: '10s',
  retry,
});

/** Postgres only. */
export const inPostgres = proxyActivities<Activities>({
  startToCloseTimeout: '45s',
  heartbeatTimeout: '10s',
  retry,
});
