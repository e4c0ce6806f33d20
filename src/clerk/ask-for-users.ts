import { failure } from '../failures.js';
import type { ClerkApi } from './clerk-api.js';
import { isClerkUserId } from './is-clerk-user-id.js';
import { listUsers } from './list-users.js';

export interface AskedUsers {
  gone: string[];
  alive: string[];
  /** Unix milliseconds at which the request started: the version of a deletion that follows from it. */
  observedAtMs: number;
}

/**
 * Asks Clerk by id, in one request, which of some users it has.
 *
 * The request also names witnesses: users whom Clerk has just listed with the same key, and whom the table knew before.
 * Only an answer that shows all of them counts: a wrong key, another instance or a broken filter would leave everybody
 * out, and an answer cut short somebody.
 *
 * @param asked at most ASKED_AT_ONCE ids. One that is no id of Clerk's is not asked about, and is neither gone nor alive.
 * @param witnessIds one id, or two: of a user created before those asked for, and of one created after.
 * @returns null when the answer lacks a witness, and so says nothing.
 * @throws what {@link listUsers} throws, and CLERK_ANSWER_UNUSABLE when the answer shows users that were not asked for.
 */
export async function askForUsers(
  api: ClerkApi,
  asked: readonly string[],
  witnessIds: readonly string[],
  signal?: AbortSignal,
): Promise<AskedUsers | null> {
  const known = witnessIds.filter(isClerkUserId);
  // First and last, so that an answer that looked at a part of them only shows one witness less.
  const ids = new Set([...known.slice(0, 1), ...asked.filter(isClerkUserId), ...known.slice(1)]);
  if (known.length === 0) return null;
  const page = await listUsers(api, { by: 'id', ids: [...ids] }, signal);
  if (page === 'cursor-refused') return null;
  const shown = new Set(page.users.map((user) => String(user.id)));
  // An answer that shows others has not looked at the ids, so leaving somebody out means nothing.
  if ([...shown].some((id) => !ids.has(id))) {
    throw failure('CLERK_ANSWER_UNUSABLE', 'GET /users by id: it shows users that were not asked for.');
  }
  if (!known.every((id) => shown.has(id))) return null;
  return {
    gone: asked.filter((id) => ids.has(id) && !shown.has(id)),
    alive: asked.filter((id) => shown.has(id)),
    observedAtMs: page.observedAtMs,
  };
}
