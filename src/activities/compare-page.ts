import { cancellationSignal } from '@temporalio/activity';
import { clerkTimeMs } from '../clerk/clerk-time.js';
import { type CreationWindow, listUsers } from '../clerk/list-users.js';
import type { CreationPlace } from '../db/creation-range.js';
import { findUnlistedUsers } from '../db/find-unlisted-users.js';
import { findUserBefore } from '../db/find-user-before.js';
import { failure } from '../failures.js';
import { ASKED_AT_ONCE, type PlannedPage } from '../planned.js';
import { noTotals, type ReconcileTotals } from '../reconcile-totals.js';
import type { JsonObject } from '../user-change.js';
import { applyPage } from './apply-page.js';
import type { ActivityDependencies } from './dependencies.js';
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

/**
 * Compares one page of Clerk's users, in order of creation, with the rows that belong there: writes what is newer, and
 * notes live rows that the page lacks as candidates for deletion. One request. Nobody is deleted here.
 *
 * @returns counts and the next place, below 300 bytes; no user passes through Temporal.
 * @throws what the Clerk and Postgres rooms throw, all retried; a page that is read again writes nothing new.
 */
export async function comparePage(deps: ActivityDependencies, step: CompareStep): Promise<ComparedPage> {
  await requireInstance(deps, step);
  const { window, place, runId } = step;
  const page = await listUsers(
    deps.clerk,
    {
      by: 'creation',
      window,
      afterUserId: place.after?.clerkUserId ?? null,
      limit: deps.reconcile.pageSize,
    },
    cancellationSignal(),
  );
  if (page === 'cursor-refused') return stepBack(deps, step);

  if (page.users.some((user) => user.id === place.after?.clerkUserId))
    throw failure('CLERK_ANSWER_UNUSABLE', 'GET /users: the page shows the user that it was to start after.');
  const last = lastPlace(page.users);
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
  const compared = step.plan
    ? await planPage(deps, page, { ...unlisted, most: ASKED_AT_ONCE })
    : await applyPage(deps, page, { ...unlisted, runId });
  return {
    ...compared,
    totals: { ...compared.totals, pages: 1, clerkRequests: 1 },
    next: goesOn ? { ...place, after: last, doubts: 0 } : null,
  };

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
    totals: { ...noTotals(), clerkRequests: 1 },
    next: { after, doubts, stepsBack },
    witnessIds: [],
  };
}

function lastPlace(users: readonly JsonObject[]): CreationPlace | null {
  const last = users.at(-1);
  if (last === undefined) return null;
  return { clerkUserId: String(last.id), clerkCreatedAtMs: clerkTimeMs(last.created_at) ?? 0 };
}
