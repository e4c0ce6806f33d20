import { cancellationSignal } from '@temporalio/activity';
import { countUsers } from '../clerk/count-users.js';
import { countLiveUsers } from '../db/count-live-users.js';
import { lastReconcileStart } from '../db/last-reconcile-start.js';
import type { ActivityDependencies } from './dependencies.js';

export type ReconcilePlan = {
  /** How many users Clerk said it has. */
  clerkUsers: number;
  clerkRequests: number;
} & ({ kind: 'sweep' } | { kind: 'delta'; sinceMs: number });

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
  const sweep = { kind: 'sweep', clerkUsers, clerkRequests: 1 } as const;
  const { intervalMs, requestsPerSecond, pageSize } = deps.reconcile;
  const requests = Math.floor(clerkUsers / pageSize) + 2;
  if (kind === 'sweep' || requests <= (intervalMs / 1000) * requestsPerSecond) return sweep;
  const knownMs = await lastReconcileStart(deps.db);
  if (knownMs === null || clerkUsers !== (await countLiveUsers(deps.db))) return sweep;
  return { ...sweep, kind: 'delta', sinceMs: knownMs - OVERLAP_MS };
}
