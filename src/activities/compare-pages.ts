import { cancellationSignal } from '@temporalio/activity';
import { addPlanned, noPlanned, type Planned } from '../planned.js';
import { addTotals, noTotals } from '../reconcile-totals.js';
import { type ComparedPage, type CompareStep, comparePage } from './compare-page.js';
import type { ActivityDependencies } from './dependencies.js';
import { pagesPerTask } from './pages-per-task.js';

export interface ComparedPages extends Omit<ComparedPage, 'planned'> {
  planned?: Planned;
}

/**
 * Compares some pages of a window, one after the other: one while the rate is modest, see {@link pagesPerTask}.
 *
 * @throws what {@link comparePage} throws. Then all of them are read again, which writes nothing new.
 */
export async function comparePages(deps: ActivityDependencies, step: CompareStep): Promise<ComparedPages> {
  const planned = noPlanned();
  const compared: ComparedPages = { totals: noTotals(), next: step.place, witnessId: null };
  const most = pagesPerTask(deps.reconcile.requestsPerSecond);
  for (let pages = 0; pages < most && compared.next !== null; pages++) {
    cancellationSignal().throwIfAborted();
    const page = await comparePage(deps, { ...step, place: compared.next });
    compared.totals = addTotals(compared.totals, page.totals);
    compared.next = page.next;
    compared.witnessId = page.witnessId ?? compared.witnessId;
    if (page.planned) addPlanned(planned, page.planned);
  }
  return step.plan ? { ...compared, planned } : compared;
}
