/**
 * Every name that Temporal stores. A name typed in two places drifts, so no such string stands elsewhere; changing
 * one is a migration, for runs and schedules of the old name go on existing.
 */

/** Webhook changes, one short activity each. */
export const SYNC_TASK_QUEUE = 'clerk-sync';
/** Clerk page requests only: its dispatch rate is the reconcile's share of Clerk's rate limit. */
export const RECONCILE_TASK_QUEUE = 'clerk-reconcile';

export const USER_CHANGED_SIGNAL = 'userChanged';
export const RETRY_SIGNAL = 'retry';
export const STATUS_QUERY = 'status';

/** Every 15 s: a sweep where one fits the rate budget, else a delta. */
export const RECONCILE_SCHEDULE_ID = 'reconcile-users';
/** Hourly: a sweep whatever its size, which finds what no delta can. */
export const SWEEP_SCHEDULE_ID = 'sweep-users';

/** Keyword `ok` or `parked`; set only where it is registered. */
export const SYNC_STATUS_ATTRIBUTE = 'SyncStatus';

/** @returns the workflow ID of one user's sync: one open run a user, never an e-mail address. */
export const syncUserWorkflowId = (clerkUserId: string): string => `sync-user/${clerkUserId}`;
