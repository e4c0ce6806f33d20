import type { CreationWindow } from '../clerk/list-users.js';
import type { CreationPlace } from '../db/creation-range.js';
import type { Database } from '../db/database.js';
import { findUserBefore } from '../db/find-user-before.js';
import { failure } from '../failures.js';

/** Where a sweep goes on: after a user, or at its window's beginning. */
export interface SweepPlace {
  after: CreationPlace | null;
  /** The user after whom the page before this one began; null at the window's beginning. */
  previous: CreationPlace | null;
  /** A place at which Clerk's list broke off, until the walk has passed it; null where nothing is doubted. */
  doubt: Doubt | null;
}

/** About one place in a list. It ends once the list has gone beyond that place, or has ended there a second time. */
interface Doubt {
  /** The user after whom nobody was listed, though the table has more rows, or who was refused as a cursor; null for the window's beginning. */
  at: CreationPlace | null;
  /** How often the walk has gone back because of it. */
  stepsBack: number;
  /** Whether Clerk has listed that user again since, read from an earlier one. */
  listedAgain: boolean;
}

/** The last of them leads to the window's beginning: a list that is still empty there is believed. */
const MAX_STEPS_BACK = 4;
/** Users may be deleted while the walk goes back. A list that refuses every cursor is not walked for ever. */
const MAX_REFUSALS = 8;

/** @returns the place after a page. @param ids of the users listed on it. @param last the last of them. */
export function nextPlace(
  { after, doubt }: SweepPlace,
  ids: readonly string[],
  last: CreationPlace,
): SweepPlace {
  return { after: last, previous: after, doubt: doubt && doubtAfter(doubt, ids, last) };
}

function doubtAfter(doubt: Doubt, ids: readonly string[], last: CreationPlace): Doubt | null {
  const { at } = doubt;
  // Of users created in the same millisecond Clerk does not say who comes first.
  if (at === null || last.clerkCreatedAtMs > at.clerkCreatedAtMs) return null;
  return { ...doubt, listedAgain: doubt.listedAgain || ids.includes(at.clerkUserId) };
}

/**
 * Whether a list that ends sooner than the table lets expect is believed, because it has ended at the same place before,
 * and again when it was read from an earlier user.
 *
 * @param last the last user of the page; null for an empty one.
 */
export function isEndConfirmed({ after, doubt }: SweepPlace, last: CreationPlace | null): boolean {
  if (doubt === null) return false;
  if (last !== null) return last.clerkUserId === doubt.at?.clerkUserId;
  if (after === null || doubt.stepsBack >= MAX_STEPS_BACK) return true;
  return doubt.listedAgain && after.clerkUserId === doubt.at?.clerkUserId;
}

/**
 * Where to go on when nobody is listed after a place, or its user is refused as a cursor and so may be deleted: where the page
 * before began, whose cursor Clerk has just accepted; then 10 users before, 100, and at last the window's beginning.
 *
 * @throws CLERK_ANSWER_UNUSABLE (retried) when cursors are refused again and again.
 */
export async function placeBefore(
  db: Database,
  place: SweepPlace,
  { fromMs }: CreationWindow,
  why: 'refused' | 'empty',
): Promise<SweepPlace> {
  const { after, previous, doubt } = place;
  const stepsBack = (doubt?.stepsBack ?? 0) + 1;
  if (why === 'refused' && stepsBack > MAX_REFUSALS)
    throw failure(
      'CLERK_ANSWER_UNUSABLE',
      `GET /users: ${stepsBack} cursors in a row were refused, the last one ${after?.clerkUserId}.`,
    );
  return {
    after: await earlier(),
    previous: null,
    doubt:
      doubt === null || isBehind(after, doubt.at)
        ? { at: after, stepsBack, listedAgain: false }
        : { ...doubt, stepsBack },
  };

  async function earlier(): Promise<CreationPlace | null> {
    if (stepsBack === 1) return previous;
    if (after === null || stepsBack >= MAX_STEPS_BACK) return null;
    return findUserBefore(db, after, { fromMs, skipped: 10 ** (stepsBack - 1) - 1 });
  }
}

/** Whether a place is not the other one, and not before it. */
const isBehind = (place: CreationPlace | null, other: CreationPlace | null): boolean =>
  place !== null &&
  (other === null ||
    (place.clerkUserId !== other.clerkUserId && place.clerkCreatedAtMs >= other.clerkCreatedAtMs));
