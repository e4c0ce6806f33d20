import { cancellationSignal } from '@temporalio/activity';
import { countUsers } from '../clerk/count-users.js';
import { countLiveUsers } from '../db/count-live-users.js';
import { lastReconcileStart } from '../db/last-reconcile-start.js';
import type { ActivityDependencies } from './dependencies.js';

export type ReconcilePlan = {
  /** How many users Clerk said it has. */
  clerkUsers: number;
  clerkRequests: number;
  /** How many rows this run may delete. */
  mostDeletions: number;
} & ({ kind: 'sweep' } | { kind: 'delta'; sinceMs: number });

/** A table that loses more than this share at once has more likely met a wrong key than a wave of farewells. */
const MOST_DELETED_SHARE = 0.05;
/** Below this, a share says nothing. */
const ALWAYS_DELETABLE = 10;

/** How far a delta reads into what is known already: for clocks that differ, and for lists that lag behind writes. */
const OVERLAP_MS = 60_000;

/**
 * Decides what a reconcile reads. A sweep compares everything; where its pages do not fit the time between two ticks at
 * the permitted rate, and Clerk's count equals the table's, a delta reads what changed since the last reconcile.
 *
 * @param kind `auto` leaves it to this rule.
 * @throws what the Clerk and Postgres rooms throw, all retried.
 */
export async function planReconcile(
  deps: ActivityDependencies,
  kind: 'auto' | 'sweep',
): Promise<ReconcilePlan> {
  const clerkUsers = await countUsers(deps.clerk, cancellationSignal());
  const liveRows = await countLiveUsers(deps.db);
  const mostDeletions = Math.max(ALWAYS_DELETABLE, Math.floor(liveRows * MOST_DELETED_SHARE));
  const sweep = { kind: 'sweep', clerkUsers, clerkRequests: 1, mostDeletions } as const;
  const { intervalMs, requestsPerSecond, pageSize } = deps.reconcile;
  const requests = Math.floor(clerkUsers / pageSize) + 2;
  if (kind === 'sweep' || requests <= (intervalMs / 1000) * requestsPerSecond) return sweep;
  const knownMs = await lastReconcileStart(deps.db);
  if (knownMs === null || clerkUsers !== liveRows) return sweep;
  return { ...sweep, kind: 'delta', sinceMs: knownMs - OVERLAP_MS };
}
