import { startChild } from '@temporalio/workflow';
import type { BegunSweep } from '../activities/begin-reconcile.js';
import type { CreationWindow } from '../activities/compare-page.js';
import type { ComparedPages } from '../activities/compare-pages.js';
import type { ReconcilePreparation } from '../activities/prepare-reconcile.js';
import { addPlanned, noPlanned, type Planned } from '../planned.js';
import { cutByTable, pagesOf, type SweptUsers, windowsOf } from '../sweep-windows.js';
import { outermost } from '../witnesses.js';
import { inPostgres } from './reconcile-activities.js';
import type { ReconcileRun } from './reconcile-run.js';
import { splitCreationTimes } from './split-creation-times.js';
import {
  addPages,
  comparedNextPages,
  newWindowState,
  sweepWindow,
  type WindowInput,
  type WindowResult,
} from './sweep-window.js';
import { ClerkProblem, unlessClerkFails } from './unless-clerk-fails.js';

/** What a sweep found besides its counts. */
export interface Swept {
  /** The first and the last user created whom Clerk listed and the table knew before. */
  witnessIds: string[];
  planned: Planned;
  /** Whether a row may have to be deleted: a window's end saw candidates. */
  hasCandidates: boolean;
  /** Why it was not read to its end. */
  problem: string | undefined;
}

/** What a sweep was prepared with and, unless it follows a delta, where to cut it, or what its first pages showed. */
export type SweepPreparation = ReconcilePreparation & Pick<Partial<BegunSweep>, 'bounds' | 'compared'>;

/** Each window tells its parent how far it is about so often. */
const REPORTS_PER_WINDOW = 20;
/** From when on users can have been created; imported ones may carry any date. */
const FIRST_MS = 0;

/**
 * Compares all users with the table: in one walk while they are few, else in windows of creation times side by side, and
 * while they are not too many for one history, within this very run.
 *
 * @param options.brief whether to end where Clerk's list cannot be had, with what the other windows showed.
 */
export async function sweepUsers(
  run: ReconcileRun,
  preparation: SweepPreparation,
  { brief }: Pick<WindowInput, 'brief'>,
): Promise<Swept> {
  const windows = await chooseWindows(run, preparation);
  run.windows = windows.length;
  run.startReading('sweep');
  const common = { runId: run.id, plan: run.mode === 'plan', brief };
  const pages = pagesOf(usersOf(run));
  if (pages <= preparation.pagesPerRun) {
    const begun = windows.length === 1 ? preparation.compared : undefined;
    const walks = windows.map((window, number) => walk(run, { number, window, ...common }, begun));
    return swept(await Promise.all(walks));
  }

  const reportEveryPages = Math.max(10, Math.ceil(pages / windows.length / REPORTS_PER_WINDOW));
  const begin = async (window: CreationWindow, number: number) => {
    const input: WindowInput = { number, window, ...common, paused: run.paused, reportEveryPages };
    const child = await startChild(sweepWindow, {
      workflowId: `${run.id}/window-${number}`,
      args: [input],
      staticSummary: describeWindow(window),
    });
    await run.join(child, input.paused);
    return child;
  };
  // One after the other, the last would begin seconds later: the worker is busy with the pages of the first.
  const children = await Promise.all(windows.map(begin));
  const results = children.map(async (child, number) => {
    const result = await child.result();
    run.add(result.totals, number);
    return result;
  });
  return swept(await Promise.all(results));
}

const usersOf = ({ counts, pageSize }: ReconcileRun): SweptUsers => ({ ...counts, pageSize });

async function chooseWindows(run: ReconcileRun, preparation: SweepPreparation): Promise<CreationWindow[]> {
  const windows = windowsOf(usersOf(run), preparation.requestsPerSecond);
  if (windows === 1) return [{ fromMs: null, toMs: null }];
  const bounds = preparation.bounds ?? (await findBounds(run, windows, preparation.requestsPerTask));
  return [null, ...bounds].map((fromMs, at) => ({ fromMs, toMs: bounds[at] ?? null }));
}

async function findBounds(run: ReconcileRun, windows: number, requestsPerTask: number): Promise<number[]> {
  if (cutByTable(usersOf(run))) return inPostgres.findWindowBounds(windows);
  // Before the first sweep Clerk has to be asked.
  return splitCreationTimes(
    { firstMs: FIRST_MS, lastMs: run.startedAtMs, users: run.counts.clerkUsers ?? 0, windows },
    async (timesMs) => {
      run.add({ clerkRequests: timesMs.length });
      const counts = await Promise.all(
        inGroups(timesMs, requestsPerTask).map((some) =>
          unlessClerkFails((activities) => activities.countCreatedBeforeEach(some)),
        ),
      );
      return counts.flatMap((some) => {
        if (some instanceof ClerkProblem) throw some;
        return some;
      });
    },
  ).catch((problem: unknown) => {
    if (!(problem instanceof ClerkProblem)) throw problem;
    run.addProblem(`The sweep was not cut into windows, for Clerk could not count: ${problem.message}`);
    return [];
  });
}

const inGroups = <Item>(items: readonly Item[], size: number): Item[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, at) => items.slice(at * size, (at + 1) * size));

/** Reads a window within this very run. */
async function walk(
  run: ReconcileRun,
  { number, ...input }: Pick<WindowInput, 'number' | 'window' | 'runId' | 'plan' | 'brief'>,
  compared?: ComparedPages,
): Promise<WindowResult> {
  const state = newWindowState();
  for (let more = compared === undefined || addPages(state, compared); more; ) {
    await run.untilResumed();
    more = await comparedNextPages(state, input);
    run.progress(number, state.totals);
  }
  run.add(state.totals, number);
  return state;
}

function swept(results: readonly WindowResult[]): Swept {
  const planned = noPlanned();
  for (const result of results) addPlanned(planned, result.planned);
  return {
    witnessIds: outermost(results.flatMap(({ witnessIds }) => witnessIds)),
    planned,
    // Each window's candidates were there at its own end, so together they saw all.
    // What was not read to its end does not know.
    hasCandidates: results.some(({ hasCandidates, problem }) => hasCandidates || problem !== undefined),
    problem: results.find(({ problem }) => problem !== undefined)?.problem,
  };
}

const describeWindow = ({ fromMs, toMs }: CreationWindow) => {
  const day = (ms: number) => new Date(ms).toISOString();
  return `Users created ${fromMs === null ? '' : `from ${day(fromMs)} `}${toMs === null ? 'to now' : `before ${day(toMs)}`}`;
};
