import { cancellationSignal } from '@temporalio/activity';
import { countUsers } from '../clerk/count-users.js';
import type { ActivityDependencies } from './dependencies.js';

/**
 * Asks Clerk how many users had been created before each of some times, a request each and at once.
 *
 * @param timesMs no more than `requestsPerTask` of the preparation; Unix milliseconds.
 * @returns the counts, in the order of the times.
 * @throws what the Clerk room throws, all retried.
 */
export const countCreatedBeforeEach = (
  { clerk }: ActivityDependencies,
  timesMs: readonly number[],
): Promise<number[]> => Promise.all(timesMs.map((ms) => countUsers(clerk, cancellationSignal(), ms)));
