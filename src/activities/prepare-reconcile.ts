import { type EarlierReconciles, readEarlierReconciles } from '../db/read-earlier-reconciles.js';
import type { ActivityDependencies } from './dependencies.js';
import { pagesPerTask } from './pages-per-task.js';

export interface ReconcileAsked {
  /** Whether everything is to be compared, however much that is. */
  sweep: boolean;
}

export interface ReconcilePreparation {
  kind: 'sweep' | 'delta';
  /** Changes up to here are known; Unix milliseconds, Clerk's clock. 0 before the first reconcile. */
  sinceMs: number;
  earlier: EarlierReconciles | null;
  /** The settings that decide how a sweep is cut. */
  pageSize: number;
  requestsPerSecond: number;
  mostDeletedShare: number;
  /** How many pages a run reads by itself. */
  pagesPerRun: number;
  /** How many requests an activity may make. */
  requestsPerTask: number;
}

/** Six events each where a page is a task, so that a run's history stays far below every limit. */
const PAGES_PER_RUN = 400;

/** How far a delta reads into what is known already: for clocks that differ, and for lists that lag behind writes. */
const OVERLAP_MS = 60_000;

/**
 * Decides, without asking Clerk, what a reconcile reads: everything where that fits a tick's share of the rate budget, or
 * before anything was read; else what changed since the last one.
 *
 * @throws POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 */
export async function prepareReconcile(
  deps: ActivityDependencies,
  asked: ReconcileAsked,
): Promise<ReconcilePreparation> {
  const {
    pageSize,
    requestsPerSecond,
    intervalMs,
    tickShare,
    mostDeletedShare,
    pagesPerRun = PAGES_PER_RUN,
  } = deps.reconcile;
  const earlier = await readEarlierReconciles(deps.db);
  const pages = Math.ceil((earlier?.liveRows ?? 0) / pageSize);
  const pagesOfATick = Math.max(1, (intervalMs / 1000) * requestsPerSecond * tickShare);
  const unknown = earlier?.lastSweep == null || earlier.liveRows === null;
  return {
    kind: asked.sweep || unknown || pages <= pagesOfATick ? 'sweep' : 'delta',
    sinceMs: earlier === null ? 0 : earlier.startedAtMs - OVERLAP_MS,
    earlier,
    pageSize,
    requestsPerSecond,
    mostDeletedShare,
    pagesPerRun,
    requestsPerTask: pagesPerTask(deps.reconcile),
  };
}
