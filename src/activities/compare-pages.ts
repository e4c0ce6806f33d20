import { cancellationSignal } from '@temporalio/activity';
import { hasCandidates } from '../db/deletion-candidates.js';
import { addPlanned, noPlanned, type Planned } from '../planned.js';
import { addTotals, noTotals } from '../reconcile-totals.js';
import { outermost } from '../witnesses.js';
import {
  type ComparedPage,
  type CompareStep,
  type ReadPage,
  readPage,
  type SweepPlace,
} from './compare-page.js';
import type { ActivityDependencies } from './dependencies.js';
import { expectedNext } from './known-pages.js';
import { LONGEST_TASK_MS, pagesPerTask } from './pages-per-task.js';

/** So many pages of one walk does Postgres work at while the next is read: more would only take memory. */
const COMPARED_AT_ONCE = 3;
/** As of all windows that this process reads side by side, though each has one. */
const COMPARED_BY_PROCESS = 8;
let windowsUnderWay = 0;

export interface ComparedPages extends Omit<ComparedPage, 'planned'> {
  planned?: Planned;
  /** At a window's end: whether the table holds candidates to be asked about or deleted, this sweep's or others'. */
  hasCandidates?: boolean;
}

/**
 * Compares some pages of a window in their order, by default as many as {@link pagesPerTask} says. While Postgres works at
 * some, or Clerk answers with one that is known, the next is read already.
 *
 * @throws what {@link readPage} and its page throw for the first of them; a later one that fails is the next task's first.
 *   POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried) at a window's end.
 */
export async function comparePages(
  deps: ActivityDependencies,
  step: CompareStep,
  most = pagesPerTask(deps.reconcile),
): Promise<ComparedPages> {
  windowsUnderWay += 1;
  try {
    return await compareInOrder(deps, step, most);
  } finally {
    windowsUnderWay -= 1;
  }
}

async function compareInOrder(
  deps: ActivityDependencies,
  step: CompareStep,
  most: number,
): Promise<ComparedPages> {
  const planned = noPlanned();
  const compared: ComparedPages = { totals: noTotals(), next: step.place, witnessIds: [] };
  const endMs = Date.now() + LONGEST_TASK_MS;
  const comparing: Promise<ComparedPage>[] = [];
  let reads = 0;
  let settled = 0;
  const begin = (place: SweepPlace | null | undefined): PageInReading | null => {
    if (!place || (reads > 0 && (reads >= most || Date.now() >= endMs))) return null;
    reads += 1;
    return beginPage(deps, { ...step, place });
  };
  /** In their order, so that what is told as done has no gap. */
  const settleFirst = async () => {
    const page = await comparing[0];
    if (page === undefined) return;
    comparing.shift();
    settled += 1;
    compared.totals = addTotals(compared.totals, page.totals);
    compared.next = page.next;
    compared.witnessIds = outermost([...compared.witnessIds, ...page.witnessIds]);
    if (page.planned) addPlanned(planned, page.planned);
  };
  const settleAll = async () => {
    while (comparing.length > 0) await settleFirst();
  };
  let reading = begin(step.place);
  let ahead: PageInReading | null = null;
  try {
    while (reading !== null) {
      ahead = begin(reading.expected);
      const { next, compare } = await reading.read;
      comparing.push(heard(compare()));
      if (next === undefined) await settleAll();
      const place = next ?? compared.next;
      if (ahead && !isSamePlace(ahead.place, place)) {
        await Promise.allSettled([ahead.read]);
        ahead = null;
      }
      reading = ahead ?? begin(place);
      const mostCompared = Math.min(COMPARED_AT_ONCE, Math.floor(COMPARED_BY_PROCESS / windowsUnderWay));
      if (comparing.length >= Math.max(1, mostCompared)) await settleFirst();
    }
    await settleAll();
  } catch (error) {
    // An activity leaves nothing behind that still runs.
    await Promise.allSettled([...comparing, reading?.read, ahead?.read]);
    const first = await settleAll().then(
      () => error,
      (earlier: unknown) => earlier,
    );
    // What was done before it failed is not to be done again.
    if (settled === 0 || cancellationSignal().aborted) throw first;
  }
  // Counted here, for pages that the walk did not come to, or comes to again, are requests too.
  compared.totals.clerkRequests = reads;
  if (step.plan) return { ...compared, planned };
  if (compared.next !== null) return compared;
  return { ...compared, hasCandidates: await hasCandidates(deps.db) };
}

/** A page on its way from Clerk. */
interface PageInReading {
  place: SweepPlace;
  /** Where the walk went on from here last time. */
  expected: SweepPlace | undefined;
  read: Promise<ReadPage>;
}

function beginPage(deps: ActivityDependencies, step: CompareStep): PageInReading {
  return { place: step.place, expected: expectedNext(deps, step), read: heard(readPage(deps, step)) };
}

/** Rejections surface when awaited, in page order. */
function heard<Result>(promise: Promise<Result>): Promise<Result> {
  promise.catch(() => undefined);
  return promise;
}

const isSamePlace = (one: SweepPlace, other: SweepPlace | null | undefined): boolean =>
  one.after?.clerkUserId === other?.after?.clerkUserId &&
  one.after?.clerkCreatedAtMs === other?.after?.clerkCreatedAtMs;
