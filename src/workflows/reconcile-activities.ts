import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import { ASKING_CLERK, SHORT } from './activity-options.js';

export const askingClerk = proxyActivities<Activities>(ASKING_CLERK);

/** Postgres only. */
export const inPostgres = proxyActivities<Activities>(SHORT);
