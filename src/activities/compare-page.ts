import { cancellationSignal } from '@temporalio/activity';
import { clerkTimeMs } from '../clerk/clerk-time.js';
import { type CreationWindow, type ListedUsers, listUsers } from '../clerk/list-users.js';
import type { CreationPlace } from '../db/creation-range.js';
import { findUnlistedUsers } from '../db/find-unlisted-users.js';
import { findUserBefore } from '../db/find-user-before.js';
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

export type { CreationWindow };

/** Where a sweep goes on: after a user, or at its window's beginning. */
export interface SweepPlace {
  after: CreationPlace | null;
  /** How often in a row there was no page although the table lets expect one, or the user to start after was refused. */
  doubts: number;
  /** How often the sweep of this window has had to step back. */
  stepsBack: number;
}

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

/** After so many, an early end is believed: then the users beyond it are really gone, or soon asked for by id. */
const MOST_DOUBTS = 3;
/** Many users can be deleted during a sweep, but a list that refuses every cursor would be walked for ever. */
const MOST_STEPS_BACK = 50;

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
  if (page === 'cursor-refused') return { next: undefined, compare: () => stepBack(deps, step) };
  if ('compared' in page) {
    const { compared } = page;
    return { next: compared.next ?? undefined, compare: async () => compared };
  }
  if (page.users.some((user) => user.id === afterUserId))
    throw failure('CLERK_ANSWER_UNUSABLE', 'GET /users: the page shows the user that it was to start after.');
  const last = lastPlace(page.users);
  return {
    next: last !== null && page.users.length === pageSize ? { ...place, after: last, doubts: 0 } : undefined,
    compare: () => compareInFull(deps, step, page, last),
  };
}

async function compareInFull(
  deps: ActivityDependencies,
  step: CompareStep,
  page: ListedUsers,
  last: CreationPlace | null,
): Promise<ComparedPage> {
  const { window, place, runId } = step;
  const missing = (after: CreationPlace | null, upTo: CreationPlace | null) => ({
    range: { ...window, after, upTo },
    listedIds: page.users.map((user) => String(user.id)),
    observedBeforeMs: page.observedAtMs - deps.reconcile.deletionGraceMs,
  });
  const isFull = page.users.length === deps.reconcile.pageSize;
  // Behind a page with somebody on it the walk goes on anyway, and ends; an empty one is believed at last.
  const isDoubtful = !isFull && (last !== null || place.doubts < MOST_DOUBTS) && (await endsTooSoon());
  // Answered with nothing although rows follow: the user to start after may be gone.
  if (isDoubtful && last === null) return stepBack(deps, step);
  const goesOn = last !== null && (isFull || isDoubtful);
  const upTo = goesOn ? last : null;

  const unlisted = missing(place.after, upTo);
  const answered = { listedIds: unlisted.listedIds, observedAtMs: page.observedAtMs };
  const rows = step.plan || isDoubtful ? null : await rowsVersion(deps.db, unlisted.range, answered);
  const applied = step.plan
    ? await planPage(deps, page, { ...unlisted, most: ASKED_AT_ONCE })
    : await applyPage(deps, page, { ...unlisted, runId, isEmpty: rows?.rows === 0 });
  const compared = {
    ...applied,
    totals: { ...applied.totals, pages: 1 },
    next: goesOn ? { ...place, after: last, doubts: 0 } : null,
  };
  if (!step.plan) rememberPage(deps, step, { digest: page.digest, range: unlisted.range, rows, compared });
  return compared;

  /** A page cut short would make candidates of everybody behind it. */
  async function endsTooSoon(): Promise<boolean> {
    const beyond = { ...missing(last ?? place.after, null), most: ASKED_AT_ONCE + 1 };
    return (await findUnlistedUsers(deps.db, beyond)).length > ASKED_AT_ONCE;
  }
}

/**
 * Goes on from somebody who was created before and is still there: one user before, then 10, then 100, and at last from the
 * window's beginning.
 */
async function stepBack(deps: ActivityDependencies, { window, place }: CompareStep): Promise<ComparedPage> {
  const doubts = place.doubts + 1;
  const stepsBack = place.stepsBack + 1;
  if (stepsBack > MOST_STEPS_BACK)
    throw failure('CLERK_ANSWER_UNUSABLE', `GET /users: ${stepsBack} cursors of one window were refused.`);
  const after =
    place.after === null || doubts > MOST_DOUBTS
      ? null
      : await findUserBefore(deps.db, place.after, {
          fromMs: window.fromMs,
          skipped: 10 ** (doubts - 1) - 1,
        });
  return {
    totals: noTotals(),
    next: { after, doubts, stepsBack },
    witnessIds: [],
  };
}

function lastPlace(users: readonly JsonObject[]): CreationPlace | null {
  const last = users.at(-1);
  if (last === undefined) return null;
  return { clerkUserId: String(last.id), clerkCreatedAtMs: clerkTimeMs(last.created_at) ?? 0 };
}
