import { cancellationSignal } from '@temporalio/activity';
import { findWindowBounds } from '../db/find-window-bounds.js';
import { recordReconcileRun } from '../db/record-reconcile-run.js';
import { noTotals } from '../reconcile-totals.js';
import { cutByTable, windowsOf } from '../sweep-windows.js';
import { type Counts, compareCounts } from './compare-counts.js';
import { type DeltaPage, deltaPage } from './delta-page.js';
import type { ActivityDependencies } from './dependencies.js';
import { prepareReconcile, type ReconcileAsked, type ReconcilePreparation } from './prepare-reconcile.js';

export interface ReconcileBeginning extends ReconcileAsked {
  /** The reconcile's id in `reconcile_runs`. */
  id: string;
  startedAtMs: number;
  /** Whether nothing is to be written. */
  plan: boolean;
}

/** It begins with what changed last. */
export interface BegunDelta extends ReconcilePreparation {
  kind: 'delta';
  page: DeltaPage;
}

/** It begins with how many there are. */
export interface BegunSweep extends ReconcilePreparation {
  kind: 'sweep';
  counts: Counts;
  /** The times at which to cut it into windows, Unix milliseconds; null where only Clerk knows them. */
  bounds?: number[] | null;
}

/**
 * Decides what a reconcile reads, and makes its first request.
 *
 * @throws what {@link prepareReconcile}, {@link compareCounts} and {@link deltaPage} throw, all retried.
 */
export async function beginReconcile(
  deps: ActivityDependencies,
  { id, startedAtMs, plan, sweep }: ReconcileBeginning,
): Promise<BegunDelta | BegunSweep> {
  const { kind, ...preparation } = await prepareReconcile(deps, { sweep });
  if (kind === 'delta') {
    const page = await deltaPage(deps, { offset: 0, sinceMs: preparation.sinceMs });
    return { ...preparation, kind, page };
  }
  const counts = await compareCounts(deps, null);
  // Whoever cancelled meanwhile would find it running for ever.
  cancellationSignal().throwIfAborted();
  const totals = { ...noTotals(), clerkRequests: 1 };
  const users = { ...counts, pageSize: preparation.pageSize };
  const windows = windowsOf(users, preparation.requestsPerSecond);
  const [bounds] = await Promise.all([
    windows > 1 && cutByTable(users) ? findWindowBounds(deps.db, windows) : null,
    plan || recordReconcileRun(deps.db, { id, kind, status: 'running', startedAtMs, totals }),
  ]);
  return { ...preparation, kind, counts, bounds };
}
