import { failure } from '../failures.js';
import type { ClerkApi } from './clerk-api.js';
import { listUsers, MOST_IDS } from './list-users.js';

export interface GoneUser {
  clerkUserId: string;
  /** Unix milliseconds at which the request that did not show the user started: the deletion's version. */
  observedAtMs: number;
}

export interface GoneAnswer {
  gone: GoneUser[];
  requests: number;
}

/**
 * Asks Clerk by id which of some users it no longer has.
 *
 * Each request also names a user who was listed a moment ago with the same key. Only an answer that shows this
 * witness counts: a wrong key, another instance or a broken filter would leave everybody out.
 *
 * @param candidates ids of users that a list did not show.
 * @param witnessId a user that Clerk has just listed.
 */
export async function findGoneUsers(
  api: ClerkApi,
  candidates: readonly string[],
  witnessId: string,
  signal?: AbortSignal,
): Promise<GoneAnswer> {
  const answer: GoneAnswer = { gone: [], requests: 0 };
  for (let from = 0; from < candidates.length; from += MOST_IDS - 1) {
    const asked = candidates.slice(from, from + MOST_IDS - 1);
    const page = await listUsers(api, { by: 'id', ids: [...asked, witnessId] }, signal);
    answer.requests += 1;
    if (page === 'cursor-refused') continue;
    const alive = new Set(page.users.map((user) => user.id));
    // An answer that shows others has not looked at the ids, so leaving somebody out means nothing.
    if (page.users.some((user) => user.id !== witnessId && !asked.includes(String(user.id)))) {
      throw failure('CLERK_ANSWER_UNUSABLE', 'GET /users by id: it shows users that were not asked for.');
    }
    if (!alive.has(witnessId)) continue;
    for (const clerkUserId of asked) {
      if (!alive.has(clerkUserId)) answer.gone.push({ clerkUserId, observedAtMs: page.observedAtMs });
    }
  }
  return answer;
}
