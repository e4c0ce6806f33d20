import { cancellationSignal } from '@temporalio/activity';
import { addPlanned, noPlanned, type Planned } from '../planned.js';
import { addTotals, noTotals } from '../reconcile-totals.js';
import { outermost } from '../witnesses.js';
import { type ComparedPage, type CompareStep, comparePage } from './compare-page.js';
import type { ActivityDependencies } from './dependencies.js';
import { pagesPerTask } from './pages-per-task.js';

/** Slow pages are left to the next task, so that a pause is heard soon and little is done again when a worker dies. */
const LONGEST_MS = 2_000;

export interface ComparedPages extends Omit<ComparedPage, 'planned'> {
  planned?: Planned;
}

/**
 * Compares some pages of a window, one after the other: one while the rate is modest, see {@link pagesPerTask}.
 *
 * @throws what {@link comparePage} throws for the first of them; a later one that fails is the next task's first.
 */
export async function comparePages(deps: ActivityDependencies, step: CompareStep): Promise<ComparedPages> {
  const planned = noPlanned();
  const compared: ComparedPages = { totals: noTotals(), next: step.place, witnessIds: [] };
  const most = pagesPerTask(deps.reconcile.requestsPerSecond);
  const startedMs = Date.now();
  for (
    let pages = 0;
    pages < most && compared.next !== null && Date.now() - startedMs < LONGEST_MS;
    pages++
  ) {
    cancellationSignal().throwIfAborted();
    const page = await comparePage(deps, { ...step, place: compared.next }).catch((error: unknown) => {
      // What was done before it failed is not to be done again.
      if (pages === 0) throw error;
      return null;
    });
    if (page === null) break;
    compared.totals = addTotals(compared.totals, page.totals);
    compared.next = page.next;
    compared.witnessIds = outermost([...compared.witnessIds, ...page.witnessIds]);
    if (page.planned) addPlanned(planned, page.planned);
  }
  return step.plan ? { ...compared, planned } : compared;
}
