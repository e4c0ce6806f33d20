import { cancellationSignal } from '@temporalio/activity';
import { clerkTimeMs } from '../clerk/clerk-time.js';
import { type CreationWindow, type ListedUsers, listUsers } from '../clerk/list-users.js';
import type { CreationPlace } from '../db/creation-range.js';
import { findUnlistedUsers } from '../db/find-unlisted-users.js';
import { rowsVersion } from '../db/rows-version.js';
import { failure } from '../failures.js';
import { ASKED_AT_ONCE, type PlannedPage } from '../planned.js';
import { noTotals, type ReconcileTotals } from '../reconcile-totals.js';
import type { JsonObject } from '../user-change.js';
import { applyPage } from './apply-page.js';
import type { ActivityDependencies } from './dependencies.js';
import { knownPage, rememberPage } from './known-pages.js';
import { planPage } from './plan-page.js';
import { requireInstance } from './require-instance.js';
import { isEndConfirmed, nextPlace, placeBefore, type SweepPlace } from './sweep-place.js';

export type { CreationWindow, SweepPlace };

export interface CompareStep {
  window: CreationWindow;
  place: SweepPlace;
  /** The reconcile's id in `reconcile_runs`. */
  runId: string;
  /** Whether to tell only, and write nothing. */
  plan: boolean;
}

export interface ComparedPage {
  /** Without requests, which whoever reads the pages counts. */
  totals: ReconcileTotals;
  /** null once the window's last page is done. */
  next: SweepPlace | null;
  /** Listed users whom the table knew before, the first and the last: only with such can Clerk be asked who is gone. */
  witnessIds: string[];
  planned?: PlannedPage;
}

/** A page as it was read. */
export interface ReadPage {
  /** The next place, where that is certain before this page is compared; else undefined. */
  next: SweepPlace | undefined;
  /**
   * Compares its users with the rows that belong there: writes what is newer, and notes live rows that the page lacks as
   * candidates for deletion. Nobody is deleted here.
   *
   * @returns counts and the next place, below 300 bytes; no user passes through Temporal.
   * @throws what the Clerk and Postgres rooms throw, all retried; a page that is read again writes nothing new.
   */
  compare(): Promise<ComparedPage>;
}

/**
 * Reads one page of Clerk's users, in order of creation. One request.
 *
 * @throws what the Clerk and Postgres rooms throw, all retried.
 */
export async function readPage(deps: ActivityDependencies, step: CompareStep): Promise<ReadPage> {
  await requireInstance(deps, step);
  const { window, place } = step;
  const { pageSize } = deps.reconcile;
  const afterUserId = place.after?.clerkUserId ?? null;
  const selection = { by: 'creation', window, afterUserId, limit: pageSize } as const;
  const page = await listUsers(deps.clerk, selection, cancellationSignal(), knownPage(deps, step));
  if (page === 'cursor-refused') return { next: undefined, compare: () => stepBack(deps, step, 'refused') };
  if ('compared' in page) {
    const { compared } = page;
    return { next: compared.next ?? undefined, compare: async () => compared };
  }
  if (page.users.some((user) => user.id === afterUserId))
    throw failure('CLERK_ANSWER_UNUSABLE', 'GET /users: the page shows the user that it was to start after.');
  const ids = page.users.map((user) => String(user.id));
  const last = lastPlace(page.users);
  return {
    next: last !== null && ids.length === pageSize ? nextPlace(place, ids, last) : undefined,
    compare: () => compareInFull(deps, step, { ...page, ids, last }),
  };
}

async function compareInFull(
  deps: ActivityDependencies,
  step: CompareStep,
  page: ListedUsers & { ids: string[]; last: CreationPlace | null },
): Promise<ComparedPage> {
  const { window, place, runId } = step;
  const { ids: listedIds, last } = page;
  const missing = (after: CreationPlace | null, upTo: CreationPlace | null) => ({
    range: { ...window, after, upTo },
    listedIds,
    observedBeforeMs: page.observedAtMs - deps.reconcile.deletionGraceMs,
  });
  const isFull = listedIds.length === deps.reconcile.pageSize;
  const isDoubtful = !isFull && !isEndConfirmed(place, last) && (await endsTooSoon());
  // Answered with nothing although rows follow: the user to start after may be gone.
  if (isDoubtful && last === null) return stepBack(deps, step, 'empty');
  const goesOn = last !== null && (isFull || isDoubtful);
  const upTo = goesOn ? last : null;

  const unlisted = missing(place.after, upTo);
  const answered = { listedIds, observedAtMs: page.observedAtMs };
  const rows = step.plan || isDoubtful ? null : await rowsVersion(deps.db, unlisted.range, answered);
  const applied = step.plan
    ? await planPage(deps, page, { ...unlisted, most: ASKED_AT_ONCE })
    : await applyPage(deps, page, { ...unlisted, runId, isEmpty: rows?.rows === 0 });
  const compared = {
    ...applied,
    totals: { ...applied.totals, pages: 1 },
    next: goesOn ? nextPlace(place, listedIds, last) : null,
  };
  if (!step.plan) rememberPage(deps, step, { digest: page.digest, range: unlisted.range, rows, compared });
  return compared;

  /** A page cut short would make candidates of everybody behind it. Those known to be gone are not expected there. */
  async function endsTooSoon(): Promise<boolean> {
    const beyond = { ...missing(last ?? place.after, null), most: ASKED_AT_ONCE + 1 };
    return (await findUnlistedUsers(deps.db, beyond, { withGone: false })).length > ASKED_AT_ONCE;
  }
}

async function stepBack(
  { db }: ActivityDependencies,
  { window, place }: CompareStep,
  why: 'refused' | 'empty',
): Promise<ComparedPage> {
  return { totals: noTotals(), next: await placeBefore(db, place, window, why), witnessIds: [] };
}

function lastPlace(users: readonly JsonObject[]): CreationPlace | null {
  const last = users.at(-1);
  if (last === undefined) return null;
  return { clerkUserId: String(last.id), clerkCreatedAtMs: clerkTimeMs(last.created_at) ?? 0 };
}
