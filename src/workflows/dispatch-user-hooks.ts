import { proxyActivities } from '@temporalio/workflow';
import type { HookActivities } from '../activities/hook-activities.js';
import { ON_HOOKS_QUEUE } from './activity-options.js';

const activities = proxyActivities<HookActivities>(ON_HOOKS_QUEUE);

/**
 * Asks the workflow of each user with pending hooks to run them. A Schedule starts it; what a tick leaves behind, or
 * misses, the next one finds in the table.
 */
export const dispatchUserHooks = (): Promise<{ offered: number }> => activities.dispatchUserHooks();
