import type { ActivityDependencies } from './dependencies.js';

/** Temporal's own work for an activity is as dear as some pages', so one activity reads several where the rate allows it. */
const MOST_TASKS_PER_SECOND = 5;
/** A task that is lost with its worker is done again from its start. */
const MOST_PAGES = 25;

/** What is slow is left to the next task, so that a pause is heard soon and little is done again when a worker dies. */
export const LONGEST_TASK_MS = 2_000;

/**
 * @param reconcile its `requestsPerSecond` are the reconcile's share of Clerk's rate limit.
 * @returns how many requests one activity may make, one after the other; the queue's rate is divided by it.
 */
export const pagesPerTask = (
  reconcile: Pick<ActivityDependencies['reconcile'], 'requestsPerSecond' | 'pagesPerTask'>,
): number =>
  reconcile.pagesPerTask ??
  Math.min(MOST_PAGES, Math.max(1, Math.ceil(reconcile.requestsPerSecond / MOST_TASKS_PER_SECOND)));
