import { cancellationSignal } from '@temporalio/activity';
import { countUsers } from '../clerk/count-users.js';
import { countLiveUsers } from '../db/count-live-users.js';
import { lastReconcileStart } from '../db/last-reconcile-start.js';
import type { ActivityDependencies } from './dependencies.js';

export interface ReconcileRequest {
  kind: 'auto' | 'sweep';
  /** An operator's word for how many rows may be deleted; by default 5 % of the table, and at least 10. */
  mostDeletions?: number;
}

export type ReconcilePlan = {
  /** How many users Clerk said it has. */
  clerkUsers: number;
  clerkRequests: number;
  /** How many rows this run may delete. */
  mostDeletions: number;
  /** How many more live rows the table has than Clerk has users. */
  surplus: number;
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
 * @param asked `auto` leaves the kind to this rule.
 * @throws what the Clerk and Postgres rooms throw, all retried.
 */
export async function planReconcile(
  deps: ActivityDependencies,
  asked: ReconcileRequest,
): Promise<ReconcilePlan> {
  const clerkUsers = await countUsers(deps.clerk, cancellationSignal());
  const liveRows = await countLiveUsers(deps.db);
  const share = Math.max(ALWAYS_DELETABLE, Math.floor(liveRows * MOST_DELETED_SHARE));
  const mostDeletions = asked.mostDeletions ?? share;
  const sweep = {
    kind: 'sweep',
    clerkUsers,
    clerkRequests: 1,
    mostDeletions,
    surplus: liveRows - clerkUsers,
  } as const;
  const { intervalMs, requestsPerSecond, pageSize } = deps.reconcile;
  const requests = Math.floor(clerkUsers / pageSize) + 2;
  if (asked.kind === 'sweep' || requests <= (intervalMs / 1000) * requestsPerSecond) return sweep;
  const knownMs = await lastReconcileStart(deps.db);
  if (knownMs === null || clerkUsers !== liveRows) return sweep;
  return { ...sweep, kind: 'delta', sinceMs: knownMs - OVERLAP_MS };
}
