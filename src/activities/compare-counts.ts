import { cancellationSignal } from '@temporalio/activity';
import { countUsers } from '../clerk/count-users.js';
import { countLiveUsers } from '../db/count-live-users.js';
import type { ActivityDependencies } from './dependencies.js';

export interface Counts {
  clerkUsers: number;
  liveRows: number;
}

/**
 * Counts on both sides at about the same time; one request.
 *
 * @throws what the Clerk and Postgres rooms throw, all retried.
 */
export async function compareCounts(deps: ActivityDependencies): Promise<Counts> {
  const [clerkUsers, liveRows] = await Promise.all([
    countUsers(deps.clerk, cancellationSignal()),
    countLiveUsers(deps.db),
  ]);
  return { clerkUsers, liveRows };
}
