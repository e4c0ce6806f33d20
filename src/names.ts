/**
 * Every name that Temporal stores. A name typed in two places drifts, so no such string stands elsewhere; changing
 * one is a migration, for runs and schedules of the old name go on existing. What SYNC_NAME_PREFIX goes before is taken
 * from {@link namesFor}.
 */

/** Workflows, and activities that need Postgres only: what a webhook brought is written here. */
export const SYNC_TASK_QUEUE = 'clerk-sync';
/** Requests to Clerk for one user: its dispatch rate is their share of Clerk's rate limit. */
export const REFETCH_TASK_QUEUE = 'clerk-refetch';
/** Clerk page requests only: its dispatch rate is the reconcile's share of Clerk's rate limit. */
export const RECONCILE_TASK_QUEUE = 'clerk-reconcile';
/** The application's hooks: only workers that have hooks take from it. */
export const HOOKS_TASK_QUEUE = 'clerk-hooks';

export const USER_CHANGED_SIGNAL = 'userChanged';
export const RETRY_SIGNAL = 'retry';
/** Update to a user's run: apply, and tell the outcome. */
export const SYNC_NOW_UPDATE = 'syncNow';
/** To a user's hooks: there are changes to tell. */
export const HOOKS_PENDING_SIGNAL = 'hooksPending';
/** To a user's hooks: leave out the hook of that revision, now or when it is its turn. */
export const SKIP_HOOK_SIGNAL = 'skip';
/** To a reconcile: between two pages. */
export const PAUSE_SIGNAL = 'pause';
export const RESUME_SIGNAL = 'resume';
/** To the workflow that waits with more deletions than one run may make. */
export const APPROVE_DELETIONS_SIGNAL = 'approveDeletions';
export const REJECT_DELETIONS_SIGNAL = 'rejectDeletions';
/** From a window's sweep to its parent. */
export const WINDOW_PROGRESS_SIGNAL = 'windowProgress';
export const STATUS_QUERY = 'status';

/** Every 15 s: a sweep where one fits the tick's share of the rate budget, else a delta. */
export const RECONCILE_SCHEDULE_ID = 'reconcile-users';
/** Hourly: a sweep whatever its size, which finds what no delta can. */
export const SWEEP_SCHEDULE_ID = 'sweep-users';
/** Every 5 s, once a worker has hooks: users whose hooks are still to be run. */
export const HOOKS_SCHEDULE_ID = 'dispatch-user-hooks';

/** Started by activities, which know workflows by name only. */
export const ERASE_DELETED_USERS = 'eraseDeletedUsers';
export const PRUNE_USER_CHANGES = 'pruneUserChanges';
export const DISPATCH_USER_HOOKS = 'dispatchUserHooks';
export const RUN_USER_HOOKS = 'runUserHooks';

/** One at a time: deletions that wait for an operator. */
export const DELETE_GONE_USERS_WORKFLOW_ID = 'delete-gone-users';

/** One at a time, beside the reconciles whose end starts it: what is old is cleared away. */
export const ERASE_DELETED_USERS_WORKFLOW_ID = 'erase-deleted-users';
export const PRUNE_USER_CHANGES_WORKFLOW_ID = 'prune-user-changes';

/** @returns the workflow ID of a reconcile that an operator starts, which runs beside those of the Schedules. */
export const reconcileByHandWorkflowId = (atMs: number): string =>
  `reconcile-by-hand-${new Date(atMs).toISOString().replaceAll(':', '-')}`;

/** Keyword `ok` or `parked`; set only where it is registered. */
export const SYNC_STATUS_ATTRIBUTE = 'SyncStatus';

/** @returns the workflow ID of one user's sync: one open run a user, never an e-mail address. */
export const syncUserWorkflowId = (clerkUserId: string): string => `sync-user/${clerkUserId}`;

/** @returns the workflow ID of one user's hooks: one open run a user, so that they are run in order. */
export const userHooksWorkflowId = (clerkUserId: string): string => `user-hooks/${clerkUserId}`;

/** Names that several services in one Temporal namespace must not share; types of workflows and signals they may. */
export interface Names {
  syncTaskQueue: string;
  refetchTaskQueue: string;
  reconcileTaskQueue: string;
  hooksTaskQueue: string;
  reconcileScheduleId: string;
  sweepScheduleId: string;
  hooksScheduleId: string;
  deleteGoneUsersWorkflowId: string;
  eraseDeletedUsersWorkflowId: string;
  pruneUserChangesWorkflowId: string;
  reconcileByHandWorkflowId: (atMs: number) => string;
  syncUserWorkflowId: (clerkUserId: string) => string;
  userHooksWorkflowId: (clerkUserId: string) => string;
  /** Finds the runs that have hooks in hand: being called, tried again, or parked. */
  openHooksQuery: string;
}

/** @param prefix of the setting SYNC_NAME_PREFIX, which stands before every name of {@link Names}; `''` for none. */
export const namesFor = (prefix: string): Names => ({
  syncTaskQueue: prefix + SYNC_TASK_QUEUE,
  refetchTaskQueue: prefix + REFETCH_TASK_QUEUE,
  reconcileTaskQueue: prefix + RECONCILE_TASK_QUEUE,
  hooksTaskQueue: prefix + HOOKS_TASK_QUEUE,
  reconcileScheduleId: prefix + RECONCILE_SCHEDULE_ID,
  sweepScheduleId: prefix + SWEEP_SCHEDULE_ID,
  hooksScheduleId: prefix + HOOKS_SCHEDULE_ID,
  deleteGoneUsersWorkflowId: prefix + DELETE_GONE_USERS_WORKFLOW_ID,
  eraseDeletedUsersWorkflowId: prefix + ERASE_DELETED_USERS_WORKFLOW_ID,
  pruneUserChangesWorkflowId: prefix + PRUNE_USER_CHANGES_WORKFLOW_ID,
  reconcileByHandWorkflowId: (atMs) => prefix + reconcileByHandWorkflowId(atMs),
  syncUserWorkflowId: (clerkUserId) => prefix + syncUserWorkflowId(clerkUserId),
  userHooksWorkflowId: (clerkUserId) => prefix + userHooksWorkflowId(clerkUserId),
  openHooksQuery: `WorkflowType="${RUN_USER_HOOKS}" AND ExecutionStatus="Running" AND TaskQueue="${prefix}${SYNC_TASK_QUEUE}"`,
});

/** Without a prefix. */
export const PLAIN_NAMES = namesFor('');

const TASK_QUEUES = [SYNC_TASK_QUEUE, REFETCH_TASK_QUEUE, RECONCILE_TASK_QUEUE, HOOKS_TASK_QUEUE];

/** @returns the names of the service whose task queue this is: workflows and activities read no settings. */
export function namesBeside(taskQueue: string): Names {
  const plain = TASK_QUEUES.find((name) => taskQueue.endsWith(name));
  return namesFor(plain === undefined ? '' : taskQueue.slice(0, -plain.length));
}
