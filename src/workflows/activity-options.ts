import type { ActivityOptions } from '@temporalio/workflow';
import { RECONCILE_TASK_QUEUE } from '../names.js';

/** For ever, and visibly: an outage of Postgres or Clerk ends by itself, and the Web UI shows attempt and cause. */
const retry = { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m' } as const;

/** Of one short piece of work. */
export const SHORT = { startToCloseTimeout: '45s', heartbeatTimeout: '10s', retry } satisfies ActivityOptions;

/** Of requests to Clerk: they run on the queue whose rate is the reconcile's share of Clerk's limit. */
export const ASKING_CLERK = {
  taskQueue: RECONCILE_TASK_QUEUE,
  startToCloseTimeout: '5m',
  heartbeatTimeout: '10s',
  retry,
} satisfies ActivityOptions;
