import { cancellationSignal } from '@temporalio/activity';
import { addPlanned, noPlanned, type Planned } from '../planned.js';
import { addTotals, noTotals } from '../reconcile-totals.js';
import { outermost } from '../witnesses.js';
import { type ComparedPage, type CompareStep, readPage, type SweepPlace } from './compare-page.js';
import type { ActivityDependencies } from './dependencies.js';
import { pagesPerTask } from './pages-per-task.js';

/** Slow pages are left to the next task, so that a pause is heard soon and little is done again when a worker dies. */
const LONGEST_MS = 2_000;

export interface ComparedPages extends Omit<ComparedPage, 'planned'> {
  planned?: Planned;
}

/**
 * Compares some pages of a window in their order, see {@link pagesPerTask} for how many. While Postgres works at one, the
 * next is read already, where it is certain which that is.
 *
 * @throws what {@link readPage} and its page throw for the first of them; a later one that fails is the next task's first.
 */
export async function comparePages(deps: ActivityDependencies, step: CompareStep): Promise<ComparedPages> {
  const planned = noPlanned();
  const compared: ComparedPages = { totals: noTotals(), next: step.place, witnessIds: [] };
  const most = pagesPerTask(deps.reconcile.requestsPerSecond);
  const endMs = Date.now() + LONGEST_MS;
  let begun: Promise<BegunPage> | null = begin(deps, step, step.place);
  for (let pages = 1; begun !== null; pages++) {
    const goOn = (place: SweepPlace | null | undefined): Promise<BegunPage> | null =>
      place && pages < most && Date.now() < endMs ? begin(deps, step, place) : null;
    let ahead: Promise<BegunPage> | null = null;
    try {
      const { next, comparing }: BegunPage = await begun;
      ahead = goOn(next);
      const page: ComparedPage = await comparing;
      compared.totals = addTotals(compared.totals, page.totals);
      compared.next = page.next;
      compared.witnessIds = outermost([...compared.witnessIds, ...page.witnessIds]);
      if (page.planned) addPlanned(planned, page.planned);
      begun = ahead ?? goOn(page.next);
    } catch (error) {
      await ahead?.then(({ comparing }) => comparing).catch(() => undefined);
      // What was done before it failed is not to be done again.
      if (pages === 1 || cancellationSignal().aborted) throw error;
      break;
    }
  }
  return step.plan ? { ...compared, planned } : compared;
}

/** A page that was read and is being compared. */
interface BegunPage {
  next: SweepPlace | undefined;
  comparing: Promise<ComparedPage>;
}

function begin(deps: ActivityDependencies, step: CompareStep, place: SweepPlace): Promise<BegunPage> {
  const begun = readPage(deps, { ...step, place }).then(({ next, compare }) => {
    const comparing = compare();
    comparing.catch(heardLater);
    return { next, comparing };
  });
  begun.catch(heardLater);
  return begun;
}

/** Whoever awaits a page hears of its failure, but only after the page before it. */
const heardLater = () => undefined;
