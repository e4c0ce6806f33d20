import { cancellationSignal } from '@temporalio/activity';
import { findWindowBounds } from '../db/find-window-bounds.js';
import { recordReconcileRun } from '../db/record-reconcile-run.js';
import { noTotals } from '../reconcile-totals.js';
import { cutByTable, pagesOf, WINDOW_START, windowsOf } from '../sweep-windows.js';
import { type Counts, compareCounts } from './compare-counts.js';
import { type ComparedPages, comparePages } from './compare-pages.js';
import { type DeltaPage, deltaPage } from './delta-page.js';
import type { ActivityDependencies } from './dependencies.js';
import { prepareReconcile, type ReconcileAsked, type ReconcilePreparation } from './prepare-reconcile.js';

export interface ReconcileBeginning extends ReconcileAsked {
  /** The reconcile's id in `reconcile_runs`. */
  id: string;
  startedAtMs: number;
  /** Whether nothing is to be written. */
  plan: boolean;
  /** Whether the run takes first pages along: one of before would read them again, and count what they brought as nothing. */
  takesPages?: boolean;
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
  /** Its first pages, where one walk reads all. */
  compared?: ComparedPages;
}

/**
 * Decides what a reconcile reads, and begins to: so a small one has read everything once this returns.
 *
 * @throws what {@link prepareReconcile}, {@link compareCounts} and {@link deltaPage} throw, all retried. What pages throw,
 *   the task says that is to read them next.
 */
export async function beginReconcile(
  deps: ActivityDependencies,
  { id, startedAtMs, plan, sweep, takesPages = false }: ReconcileBeginning,
): Promise<BegunDelta | BegunSweep> {
  const { kind, ...preparation } = await prepareReconcile(deps, { sweep });
  if (kind === 'delta') {
    const page = await deltaPage(deps, { offset: 0, sinceMs: preparation.sinceMs });
    return { ...preparation, kind, page };
  }
  const counts = await compareCounts(deps, null);
  const users = { ...counts, pageSize: preparation.pageSize };
  const windows = windowsOf(users, preparation.requestsPerSecond);
  const isOneWalk = windows === 1 && pagesOf(users) <= preparation.pagesPerRun;
  // One request was made to count.
  const most = preparation.requestsPerTask - 1;
  const compared = isOneWalk && takesPages ? await firstPages(deps, { id, plan }, most) : undefined;
  const bounds = windows > 1 && cutByTable(users) ? await findWindowBounds(deps.db, windows) : null;
  // Whoever cancelled meanwhile would find it running for ever.
  cancellationSignal().throwIfAborted();
  const totals = { ...noTotals(), clerkRequests: 1 };
  // One that has read everything and has nobody to ask about is recorded at its end, within milliseconds.
  const isRead = compared?.next === null && compared.hasCandidates === false;
  if (!plan && !isRead)
    await recordReconcileRun(deps.db, { id, kind, status: 'running', startedAtMs, totals });
  return { ...preparation, kind, counts, bounds, ...(compared && { compared }) };
}

/** @returns undefined where the rate allows this task no more requests, or where they failed. */
async function firstPages(
  deps: ActivityDependencies,
  { id, plan }: Pick<ReconcileBeginning, 'id' | 'plan'>,
  most: number,
): Promise<ComparedPages | undefined> {
  if (most < 1) return undefined;
  const window = { fromMs: null, toMs: null };
  try {
    return await comparePages(deps, { window, place: WINDOW_START, runId: id, plan }, most);
  } catch (error) {
    if (cancellationSignal().aborted) throw error;
    return undefined;
  }
}
