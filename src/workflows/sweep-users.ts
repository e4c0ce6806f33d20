import { type ChildWorkflowHandle, startChild } from '@temporalio/workflow';
import type { CreationWindow } from '../activities/compare-page.js';
import type { ReconcilePreparation } from '../activities/prepare-reconcile.js';
import { addPlanned, noPlanned, type Planned } from '../planned.js';
import { outermost } from '../witnesses.js';
import { askingClerk, inPostgres } from './reconcile-activities.js';
import type { ReconcileRun } from './reconcile-run.js';
import { splitCreationTimes } from './split-creation-times.js';
import {
  comparedNextPages,
  newWindowState,
  sweepWindow,
  TASKS_PER_RUN,
  type WindowInput,
  type WindowResult,
} from './sweep-window.js';

/** What a sweep found besides its counts. */
export interface Swept {
  /** The first and the last user created whom Clerk listed and the table knew before. */
  witnessIds: string[];
  planned: Planned;
}

/** Windows side by side so that the rate is used up although an answer takes its time: so many for each request a second. */
const WINDOWS_PER_REQUEST = 0.7;
const MOST_WINDOWS = 16;
/** A window of fewer pages is not worth a workflow. */
const LEAST_PAGES_PER_WINDOW = 20;
/** Each window tells its parent how far it is about so often. */
const REPORTS_PER_WINDOW = 20;
/** From when on users can have been created; imported ones may carry any date. */
const FIRST_MS = 0;

type Window = ChildWorkflowHandle<typeof sweepWindow>;

/** One after the other, the last would begin seconds later: the worker is busy with the pages of the first. */
const atOnce = (beginnings: readonly (() => Promise<Window>)[]): Promise<Window[]> =>
  Promise.all(beginnings.map((begin) => begin()));

/** Compares all users with the table: in one walk while they are few, else in windows of creation times side by side. */
export async function sweepUsers(
  run: ReconcileRun,
  preparation: ReconcilePreparation,
  beginAll = atOnce,
): Promise<Swept> {
  const windows = await chooseWindows(run, preparation);
  run.windows = windows.length;
  run.startReading('sweep');
  const common = { runId: run.id, plan: run.mode === 'plan' };
  const [only] = windows;
  if (windows.length === 1 && only !== undefined && pagesOf(run) <= TASKS_PER_RUN)
    return swept([await walk(run, { window: only, ...common })]);

  const reportEveryPages = Math.max(10, Math.ceil(pagesOf(run) / windows.length / REPORTS_PER_WINDOW));
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
  const children = await beginAll(windows.map((window, number) => () => begin(window, number)));
  const results = children.map(async (child, number) => {
    const result = await child.result();
    run.add(result.totals, number);
    return result;
  });
  return swept(await Promise.all(results));
}

const pagesOf = ({ counts, pageSize }: ReconcileRun) =>
  Math.ceil(Math.max(counts.clerkUsers, counts.liveRows) / pageSize);

async function chooseWindows(
  run: ReconcileRun,
  { requestsPerSecond }: ReconcilePreparation,
): Promise<CreationWindow[]> {
  const { clerkUsers, liveRows } = run.counts;
  const windows = Math.min(
    MOST_WINDOWS,
    Math.ceil(requestsPerSecond * WINDOWS_PER_REQUEST),
    Math.floor(pagesOf(run) / LEAST_PAGES_PER_WINDOW),
  );
  if (windows < 2) return [{ fromMs: null, toMs: null }];
  // A table that knows half of the users knows when they were created; before the first sweep Clerk has to be asked.
  const bounds =
    liveRows >= clerkUsers / 2
      ? await inPostgres.findWindowBounds(windows)
      : await splitCreationTimes(
          { firstMs: FIRST_MS, lastMs: run.startedAtMs, users: clerkUsers, windows },
          async (timesMs) => {
            run.add({ clerkRequests: timesMs.length });
            return Promise.all(timesMs.map((ms) => askingClerk.countCreatedBefore(ms)));
          },
        );
  return [null, ...bounds].map((fromMs, at) => ({ fromMs, toMs: bounds[at] ?? null }));
}

/** Reads a window within this very run. */
async function walk(
  run: ReconcileRun,
  input: Pick<WindowInput, 'window' | 'runId' | 'plan'>,
): Promise<WindowResult> {
  const state = newWindowState();
  for (let more = true; more; ) {
    await run.untilResumed();
    more = await comparedNextPages(state, input);
    run.progress(0, state.totals);
  }
  run.add(state.totals, 0);
  return state;
}

function swept(results: readonly WindowResult[]): Swept {
  const planned = noPlanned();
  for (const result of results) addPlanned(planned, result.planned);
  return { witnessIds: outermost(results.flatMap(({ witnessIds }) => witnessIds)), planned };
}

const describeWindow = ({ fromMs, toMs }: CreationWindow) => {
  const day = (ms: number) => new Date(ms).toISOString();
  return `Users created ${fromMs === null ? '' : `from ${day(fromMs)} `}${toMs === null ? 'to now' : `before ${day(toMs)}`}`;
};
