import { cancellationSignal } from '@temporalio/activity';
import { findWindowBounds } from '../db/find-window-bounds.js';
import { recordReconcileRun } from '../db/record-reconcile-run.js';
import { addTotals, noTotals } from '../reconcile-totals.js';
import { cutByTable, pagesOf, WINDOW_START, windowsOf } from '../sweep-windows.js';
import { type Counts, compareCounts } from './compare-counts.js';
import { type ComparedPages, comparePages } from './compare-pages.js';
import { type DeltaPage, deltaPage } from './delta-page.js';
import type { ActivityDependencies } from './dependencies.js';
import { type EndedReconcile, endReconcile, type ReconcileEnd } from './end-reconcile.js';
import { prepareReconcile, type ReconcileAsked, type ReconcilePreparation } from './prepare-reconcile.js';

export interface ReconcileBeginning extends ReconcileAsked {
  /** The reconcile's id in `reconcile_runs`. */
  id: string;
  startedAtMs: number;
  /** Whether nothing is to be written. */
  plan: boolean;
  /** Whether the run takes first pages along: one of before would read them again, and count what they brought as nothing. */
  takesPages?: boolean;
  /** Whether the run takes its end along as well; one of before would end once more. */
  takesEnd?: boolean;
}

interface Begun extends ReconcilePreparation {
  /** Its end, where that was all there was to do. */
  ended?: EndedReconcile;
}

/** It begins with what changed last. */
export interface BegunDelta extends Begun {
  kind: 'delta';
  page: DeltaPage;
}

/** It begins with how many there are. */
export interface BegunSweep extends Begun {
  kind: 'sweep';
  counts: Counts;
  /** The times at which to cut it into windows, Unix milliseconds; null where only Clerk knows them. */
  bounds?: number[] | null;
  /** Its first pages, where one walk reads all. */
  compared?: ComparedPages;
}

/**
 * Decides what a reconcile reads, and begins to: so a small one has read everything once this returns, and has ended.
 *
 * @throws what {@link prepareReconcile}, {@link compareCounts} and {@link deltaPage} throw, all retried. What pages and the
 *   end throw, the task says that is to do them next.
 */
export async function beginReconcile(
  deps: ActivityDependencies,
  beginning: ReconcileBeginning,
): Promise<BegunDelta | BegunSweep> {
  const { id, startedAtMs, plan, sweep, takesPages = false } = beginning;
  const { kind, ...preparation } = await prepareReconcile(deps, { sweep });
  const { earlier, sinceMs, pageSize, requestsPerSecond, pagesPerRun, requestsPerTask } = preparation;
  const run = { id, kind, startedAtMs, windows: 1 };
  if (kind === 'delta') {
    const page = await deltaPage(deps, { offset: 0, sinceMs });
    const end = { run: { ...run, totals: page.totals }, plan, earlier };
    const ended = page.nextOffset === null && (await endIfMay(deps, beginning, end, requestsPerTask));
    return { ...preparation, kind, page, ...(ended && { ended }) };
  }
  const counts = await compareCounts(deps, null);
  const toCount = { ...noTotals(), clerkRequests: 1 };
  const users = { ...counts, pageSize };
  const windows = windowsOf(users, requestsPerSecond);
  const isOneWalk = windows === 1 && pagesOf(users) <= pagesPerRun;
  const most = requestsPerTask - toCount.clerkRequests;
  const compared = isOneWalk && takesPages ? await firstPages(deps, { id, plan }, most) : undefined;
  if (compared?.next === null && compared.hasCandidates === false) {
    const totals = addTotals(toCount, compared.totals);
    const end = { run: { ...run, totals }, plan, earlier: null };
    const ended = await endIfMay(deps, beginning, end, requestsPerTask);
    if (ended) return { ...preparation, kind, counts, compared, ended };
  }
  const bounds = windows > 1 && cutByTable(users) ? await findWindowBounds(deps.db, windows) : null;
  // Whoever cancelled meanwhile would find it running for ever.
  cancellationSignal().throwIfAborted();
  if (!plan) await recordReconcileRun(deps.db, { id, kind, status: 'running', startedAtMs, totals: toCount });
  return { ...preparation, kind, counts, bounds, ...(compared && { compared }) };
}

/** @returns undefined where the run does not take it, where the rate allows this task no more requests, or where it failed. */
async function endIfMay(
  deps: ActivityDependencies,
  { takesEnd = false }: ReconcileBeginning,
  end: ReconcileEnd,
  most: number,
): Promise<EndedReconcile | undefined> {
  cancellationSignal().throwIfAborted();
  if (!takesEnd || end.run.totals.clerkRequests >= most) return undefined;
  return unlessFailed(endReconcile(deps, end));
}

/** @returns undefined where the rate allows this task no more requests, or where they failed. */
async function firstPages(
  deps: ActivityDependencies,
  { id, plan }: Pick<ReconcileBeginning, 'id' | 'plan'>,
  most: number,
): Promise<ComparedPages | undefined> {
  if (most < 1) return undefined;
  const window = { fromMs: null, toMs: null };
  return unlessFailed(comparePages(deps, { window, place: WINDOW_START, runId: id, plan }, most));
}

/** A task of its own says why, and does not do again what was done before it failed. */
async function unlessFailed<Result>(work: Promise<Result>): Promise<Result | undefined> {
  try {
    return await work;
  } catch (error) {
    if (cancellationSignal().aborted) throw error;
    return undefined;
  }
}
