import { cancellationSignal } from '@temporalio/activity';
import { clerkTimeMs } from '../clerk/clerk-time.js';
import { listUsers } from '../clerk/list-users.js';
import { readClock } from '../db/read-clock.js';
import { failure } from '../failures.js';
import type { ReconcileTotals } from '../reconcile-totals.js';
import { applyPage } from './apply-page.js';
import type { ActivityDependencies } from './dependencies.js';
import { requireInstance } from './require-instance.js';

export interface DeltaPlace {
  /** Users to skip, from the newest change. */
  offset: number;
  /** Changes up to here are known from an earlier reconcile. Unix milliseconds, by Postgres' clock. */
  sinceMs: number;
}

export interface DeltaPage {
  totals: ReconcileTotals;
  /** null once a page reached what is known. */
  nextOffset: number | null;
}

/** Mostly nothing changed, and ten users show that as well as five hundred. */
const FIRST_PAGE = 10;
/** Users read twice from page to page: deletions move the others up meanwhile. */
const OVERLAP = 5;

/**
 * Reads one page of the users changed last and writes what is newer. Finds no deletions: those show in no list.
 *
 * @throws what the Clerk and Postgres rooms throw, all retried; a page that is read again writes nothing new.
 */
export async function deltaPage(
  deps: ActivityDependencies,
  { offset, sinceMs }: DeltaPlace,
): Promise<DeltaPage> {
  await requireInstance(deps);
  const limit = offset === 0 ? Math.min(FIRST_PAGE, deps.reconcile.pageSize) : deps.reconcile.pageSize;
  const [page, postgres] = await Promise.all([
    listUsers(deps.clerk, { by: 'update', offset, limit }, cancellationSignal()),
    readClock(deps.db),
  ]);
  if (page === 'cursor-refused')
    throw failure('CLERK_ANSWER_UNUSABLE', 'GET /users: a cursor was refused that was not sent.');
  const { totals } = await applyPage(deps, page);
  totals.pages = 1;
  totals.clerkRequests = 1;
  const oldestMs = clerkTimeMs(page.users.at(-1)?.updated_at) ?? 0;
  // Users are timed by Clerk's clock: where Postgres' is ahead of it, less is known than its time says.
  const knownUpToMs = sinceMs - Math.max(0, postgres.nowMs - page.observedAtMs);
  // Whatever the clocks say, a page with news is not the last.
  const hasNews = totals.created + totals.updated + totals.restored > 0;
  const read = page.users.length;
  // A short page may have been cut short: only an empty one shows that there is no more.
  const reachedTheKnown = read === 0 || (oldestMs < knownUpToMs && !hasNews);
  return { totals, nextOffset: reachedTheKnown ? null : offset + Math.max(1, read - OVERLAP) };
}
