import { cancellationSignal } from '@temporalio/activity';
import { findWindowBounds } from '../db/find-window-bounds.js';
import { addTotals, noTotals, type ReconcileTotals } from '../reconcile-totals.js';
import { cutByTable, pagesOf, WINDOW_START, windowsOf } from '../sweep-windows.js';
import { type Counts, compareCounts } from './compare-counts.js';
import { type ComparedPages, comparePages } from './compare-pages.js';
import { type DeltaPage, deltaPage } from './delta-page.js';
import type { ActivityDependencies } from './dependencies.js';
import { type EndedReconcile, endReconcile, type ReconcileEnd } from './end-reconcile.js';
import { endedBefore } from './ended-before.js';
import { prepareReconcile, type ReconcileAsked, type ReconcilePreparation } from './prepare-reconcile.js';
import { recordReconcileRun } from './record-reconcile-run.js';
import { requireInstance } from './require-instance.js';

export interface ReconcileBeginning extends ReconcileAsked {
  /** The reconcile's id in `reconcile_runs`. */
  id: string;
  startedAtMs: number;
  /** Whether nothing is to be written. */
  plan: boolean;
  /** Whether candidates for deletion are to be settled though none seems to need it: an operator has named a number. */
  settle?: boolean;
}

interface Begun extends ReconcilePreparation {
  /** What {@link endReconcile} returned, where everything was read and this task could still ask it. */
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
  bounds: number[] | null;
  /** Its first pages, where one walk reads all. */
  compared?: ComparedPages;
}

/**
 * Decides what a reconcile reads, and begins to. Where the requests of one task suffice, it has read everything once this
 * returns, and has ended.
 *
 * @throws what {@link prepareReconcile}, {@link compareCounts} and {@link deltaPage} throw, all retried. What pages or the
 *   end throw is thrown by the task of their own that does them next.
 * @remarks Tried again after it was lost, it writes no user twice, and does not end twice; but what an attempt had written
 *   that was lost before its end is not in the run's totals, only in the log.
 */
export async function beginReconcile(
  deps: ActivityDependencies,
  beginning: ReconcileBeginning,
): Promise<BegunDelta | BegunSweep> {
  const prepared = await prepareReconcile(deps, beginning);
  const ended = await endedBefore(deps, beginning.id, prepared);
  if (ended !== null) return ended;
  return prepared.kind === 'delta'
    ? beginDelta(deps, beginning, prepared)
    : beginSweep(deps, beginning, prepared);
}

async function beginDelta(
  deps: ActivityDependencies,
  beginning: ReconcileBeginning,
  prepared: ReconcilePreparation,
): Promise<BegunDelta> {
  const page = await deltaPage(deps, { offset: 0, sinceMs: prepared.sinceMs });
  const { earlier } = prepared;
  const ended =
    page.nextOffset === null
      ? await endAtOnce(deps, beginning, prepared, { totals: page.totals, earlier })
      : undefined;
  return { ...prepared, kind: 'delta', page, ...(ended && { ended }) };
}

async function beginSweep(
  deps: ActivityDependencies,
  beginning: ReconcileBeginning,
  prepared: ReconcilePreparation,
): Promise<BegunSweep> {
  const { id, startedAtMs, plan, settle = false } = beginning;
  // Counting alone would not adopt it, and the first page ask for it again.
  await requireInstance(deps, { plan });
  const counts = await compareCounts(deps, null);
  const counted = { ...noTotals(), clerkRequests: 1 };
  const users = { ...counts, pageSize: prepared.pageSize };
  const windows = windowsOf(users, prepared.requestsPerSecond);
  const isOneWalk = windows === 1 && pagesOf(users) <= prepared.pagesPerRun;
  const most = prepared.requestsPerTask - counted.clerkRequests;
  const compared = isOneWalk ? await firstPages(deps, { id, plan }, most) : undefined;
  // A plan does not tell of candidates: it has yet to ask about them.
  if (compared?.next === null && compared.hasCandidates === false && !settle) {
    const totals = addTotals(counted, compared.totals);
    const ended = await endAtOnce(deps, beginning, prepared, { totals, earlier: null });
    if (ended) return { ...prepared, kind: 'sweep', counts, bounds: null, compared, ended };
  }
  const bounds = windows > 1 && cutByTable(users) ? await findWindowBounds(deps.db, windows) : null;
  // Whoever cancelled meanwhile would find it running for ever.
  cancellationSignal().throwIfAborted();
  if (!plan)
    await recordReconcileRun(deps, { id, kind: 'sweep', status: 'running', startedAtMs, totals: counted });
  return { ...prepared, kind: 'sweep', counts, bounds, ...(compared && { compared }) };
}

/**
 * @returns undefined where the rate allows this task no more requests, or where the end failed.
 */
async function endAtOnce(
  deps: ActivityDependencies,
  { id, startedAtMs, plan }: ReconcileBeginning,
  { kind, requestsPerTask }: ReconcilePreparation,
  { totals, earlier }: { totals: ReconcileTotals; earlier: ReconcileEnd['earlier'] },
): Promise<EndedReconcile | undefined> {
  if (totals.clerkRequests >= requestsPerTask) return undefined;
  const run = { id, kind, startedAtMs, totals, windows: 1 };
  return unlessFailed(endReconcile(deps, { run, plan, earlier }));
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
