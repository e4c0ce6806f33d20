import { cancellationSignal } from '@temporalio/activity';
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
import { pagesPerTask } from './pages-per-task.js';

/** Slow pages are left to the next task, so that a pause is heard soon and little is done again when a worker dies. */
const LONGEST_MS = 2_000;

export interface ComparedPages extends Omit<ComparedPage, 'planned'> {
  planned?: Planned;
}

/**
 * Compares some pages of a window in their order, see {@link pagesPerTask} for how many. While Postgres works at one, or
 * Clerk answers with one that is known, the next is read already.
 *
 * @throws what {@link readPage} and its page throw for the first of them; a later one that fails is the next task's first.
 */
export async function comparePages(deps: ActivityDependencies, step: CompareStep): Promise<ComparedPages> {
  const planned = noPlanned();
  const compared: ComparedPages = { totals: noTotals(), next: step.place, witnessIds: [] };
  const most = pagesPerTask(deps.reconcile.requestsPerSecond);
  const endMs = Date.now() + LONGEST_MS;
  let reads = 0;
  const begin = (place: SweepPlace): BegunPage => {
    reads += 1;
    return beginPage(deps, { ...step, place });
  };
  const goOn = (place: SweepPlace | null | undefined): BegunPage | null =>
    place && reads < most && Date.now() < endMs ? begin(place) : null;
  let begun: BegunPage | null = begin(step.place);
  for (const first = begun; begun !== null; ) {
    let ahead: BegunPage | null = goOn(begun.expected);
    try {
      const { next }: ReadPage = await begun.read;
      if (ahead && !isSamePlace(ahead.place, next)) {
        await ended(ahead);
        compared.totals.clerkRequests += 1;
        ahead = null;
      }
      ahead ??= goOn(next);
      if (ahead) compare(ahead).catch(heardLater);
      const page: ComparedPage = await compare(begun);
      compared.totals = addTotals(compared.totals, page.totals);
      compared.next = page.next;
      compared.witnessIds = outermost([...compared.witnessIds, ...page.witnessIds]);
      if (page.planned) addPlanned(planned, page.planned);
      begun = ahead ?? goOn(page.next);
    } catch (error) {
      if (ahead) await ended(ahead);
      // What was done before it failed is not to be done again.
      if (begun === first || cancellationSignal().aborted) throw error;
      break;
    }
  }
  return step.plan ? { ...compared, planned } : compared;
}

/** A page that is being read, and compared once it is certain that the walk comes to it. */
interface BegunPage {
  place: SweepPlace;
  /** Where the walk went on from here last time. */
  expected: SweepPlace | undefined;
  read: Promise<ReadPage>;
  comparing?: Promise<ComparedPage>;
}

function beginPage(deps: ActivityDependencies, step: CompareStep): BegunPage {
  const read = readPage(deps, step);
  read.catch(heardLater);
  return { place: step.place, expected: expectedNext(deps, step), read };
}

function compare(page: BegunPage): Promise<ComparedPage> {
  page.comparing ??= page.read.then((read) => read.compare());
  return page.comparing;
}

/** An activity leaves nothing behind that still runs. */
const ended = ({ read, comparing }: BegunPage): Promise<unknown> => Promise.allSettled([comparing ?? read]);

const isSamePlace = (one: SweepPlace, other: SweepPlace | undefined): boolean =>
  one.after?.clerkUserId === other?.after?.clerkUserId &&
  one.after?.clerkCreatedAtMs === other?.after?.clerkCreatedAtMs;

/** Whoever awaits a page hears of its failure, but only after the page before it. */
const heardLater = () => undefined;
