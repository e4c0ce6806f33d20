import type { ActivityOptions } from '@temporalio/workflow';
import { ownNames } from './own-names.js';

/** For ever, and visibly: an outage of Postgres or Clerk ends by itself, and the Web UI shows attempt and cause. */
const retry = { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m' } as const;

/** Of one short piece of work. */
export const SHORT = { startToCloseTimeout: '45s', heartbeatTimeout: '10s', retry } satisfies ActivityOptions;

/** Of requests to Clerk: they run on the queue whose rate is the reconcile's share of Clerk's limit. */
export const ASKING_CLERK = {
  get taskQueue() {
    return ownNames().reconcileTaskQueue;
  },
  startToCloseTimeout: '5m',
  heartbeatTimeout: '10s',
  retry,
} satisfies ActivityOptions;

/** Of a request to Clerk for one user: on the queue whose rate is the share of those in Clerk's limit. */
export const ASKING_FOR_A_USER = {
  ...SHORT,
  get taskQueue() {
    return ownNames().refetchTaskQueue;
  },
} satisfies ActivityOptions;

/** It is dispatched before all others of that queue, as far as the server knows priorities. */
export const ASKING_WHILE_SOMEBODY_WAITS = {
  ...SHORT,
  get taskQueue() {
    return ownNames().refetchTaskQueue;
  },
  priority: { priorityKey: 1 },
} satisfies ActivityOptions;

/** Of the application's hooks, and of what looks for them. */
export const ON_HOOKS_QUEUE = {
  ...SHORT,
  get taskQueue() {
    return ownNames().hooksTaskQueue;
  },
} satisfies ActivityOptions;
