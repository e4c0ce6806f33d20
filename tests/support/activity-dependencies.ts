import type { ActivityDependencies } from '../../src/activities/dependencies.js';

/** What activities need besides a database and Clerk, as tests without a worker mostly want it. */
export const activityDependencies = (
  { db, clerk }: Pick<ActivityDependencies, 'db' | 'clerk'>,
  pageSize = 500,
): ActivityDependencies => ({
  db,
  clerk,
  keepPrivateMetadata: false,
  deletion: { mode: 'soft', holdbackMs: 0 },
  reconcile: {
    pageSize,
    intervalMs: 15_000,
    requestsPerSecond: 1000,
    tickShare: 1,
    mostDeletedShare: 0.05,
    deletionGraceMs: 0,
  },
});
