/** Temporal's own work for an activity is as dear as a page's, so at higher rates one activity reads several. */
const MOST_TASKS_PER_SECOND = 25;
/** A task that is lost with its worker is done again from its start. */
const MOST_PAGES = 25;

/**
 * @param requestsPerSecond the reconcile's share of Clerk's rate limit.
 * @returns how many requests one activity may make, one after the other; the queue's rate is divided by it.
 */
export const pagesPerTask = (requestsPerSecond: number): number =>
  Math.min(MOST_PAGES, Math.max(1, Math.ceil(requestsPerSecond / MOST_TASKS_PER_SECOND)));
