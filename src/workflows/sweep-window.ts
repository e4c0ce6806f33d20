import {
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  isCancellation,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { CreationWindow, SweepPlace } from '../activities/compare-page.js';
import type { ComparedPages } from '../activities/compare-pages.js';
import { addPlanned, noPlanned, type Planned } from '../planned.js';
import { addTotals, noTotals, type ReconcileTotals } from '../reconcile-totals.js';
import { WINDOW_START } from '../sweep-windows.js';
import { outermost } from '../witnesses.js';
import { askingClerk } from './reconcile-activities.js';
import { pause, resume, windowProgress } from './reconcile-messages.js';
import { ClerkProblem, unlessClerkFails } from './unless-clerk-fails.js';

/** Continuing as new takes a second at least, so not at every page; a run of this many stays far below every limit. */
export const TASKS_PER_RUN = 100;

export interface WindowInput {
  /** Of the parent's windows, from 0. */
  number: number;
  window: CreationWindow;
  /** The reconcile's id in `reconcile_runs`. */
  runId: string;
  plan: boolean;
  /** Whether the sweep ends where Clerk's list cannot be had, instead of waiting for it. */
  brief: boolean;
  paused: boolean;
  /** The parent hears of the progress after so many pages each. */
  reportEveryPages: number;
  carried?: WindowState;
}

export interface WindowState {
  place: SweepPlace;
  totals: ReconcileTotals;
  /** The first and the last user so far whom Clerk listed and the table knew before. */
  witnessIds: string[];
  planned: Planned;
  /** Whether the table held candidates for deletion once the window was read; never in a plan. */
  hasCandidates: boolean;
  /** Why the window was not read to its end. */
  problem?: string;
}

/** What a window's sweep found. */
export type WindowResult = Omit<WindowState, 'place'>;

export const newWindowState = (): WindowState => ({
  place: WINDOW_START,
  totals: noTotals(),
  witnessIds: [],
  planned: noPlanned(),
  hasCandidates: false,
});

/**
 * Compares the users created in one window with the table, page by page: the part of `reconcileUsers` that runs side by
 * side with its like. After a crash it resumes at its page.
 */
export async function sweepWindow(input: WindowInput): Promise<WindowResult> {
  const state = input.carried ?? newWindowState();
  const { parent } = workflowInfo();
  let paused = input.paused;
  setHandler(pause, () => {
    paused = true;
  });
  setHandler(resume, () => {
    paused = false;
  });
  let reportedPages = state.totals.pages;
  for (let tasks = 1; ; tasks++) {
    await condition(() => !paused);
    if (!(await comparedNextPages(state, input))) break;
    if (parent && state.totals.pages - reportedPages >= input.reportEveryPages) {
      reportedPages = state.totals.pages;
      await report(parent.workflowId, { number: input.number, totals: state.totals });
    }
    if (tasks >= TASKS_PER_RUN || workflowInfo().continueAsNewSuggested)
      await continueAsNew<typeof sweepWindow>({ ...input, paused, carried: state });
  }
  const { place: _, ...result } = state;
  return result;
}

/** Reads a window's next pages and repairs what differs. @returns whether there are more. */
export async function comparedNextPages(
  state: WindowState,
  { window, runId, plan, brief }: Pick<WindowInput, 'window' | 'runId' | 'plan' | 'brief'>,
): Promise<boolean> {
  const step = { window, place: state.place, runId, plan };
  const pages = brief
    ? await unlessClerkFails((activities) => activities.comparePages(step))
    : await askingClerk.comparePages(step);
  if (!(pages instanceof ClerkProblem)) return addPages(state, pages);
  state.problem = pages.message;
  return false;
}

/** Adds what the next pages of a window showed. @returns whether there are more. */
export function addPages(state: WindowState, pages: ComparedPages): boolean {
  state.totals = addTotals(state.totals, pages.totals);
  state.witnessIds = outermost([...state.witnessIds, ...pages.witnessIds]);
  if (pages.planned) addPlanned(state.planned, pages.planned);
  state.hasCandidates ||= pages.hasCandidates ?? false;
  if (pages.next === null) return false;
  state.place = pages.next;
  return true;
}

/** A parent that was reset, or is just ending, need not hear of it. */
async function report(
  parentId: string,
  progress: { number: number; totals: ReconcileTotals },
): Promise<void> {
  try {
    await getExternalWorkflowHandle(parentId).signal(windowProgress, progress);
  } catch (error) {
    if (isCancellation(error)) throw error;
  }
}
