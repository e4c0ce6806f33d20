import { findHooksToOffer, markOffered } from '../db/offered-hooks.js';
import type { ActivityDependencies } from './dependencies.js';
import { offerUserHooks } from './offer-user-hooks.js';

const LIMITS = { most: 200, mostOpen: 1_000, againAfterMs: 600_000 };
const AT_ONCE = 20;
/** The attempt ends well before Temporal gives it up; the next tick goes on. */
const LONGEST_MS = 20_000;

/**
 * Sees to it that each user with pending hooks has a workflow that runs them.
 *
 * @returns how many workflows were asked.
 * @throws POSTGRES_UNAVAILABLE, SCHEMA_MISSING or TEMPORAL_UNAVAILABLE (retried).
 * @remarks Safe to repeat. A change is marked only after its workflow was asked, so that none is passed over.
 */
export async function dispatchUserHooks({
  db,
}: Pick<ActivityDependencies, 'db'>): Promise<{ offered: number }> {
  const startedAt = performance.now();
  let offered = 0;
  while (performance.now() - startedAt < LONGEST_MS) {
    const due = await findHooksToOffer(db, LIMITS);
    if (due.length === 0) break;
    for (let first = 0; first < due.length; first += AT_ONCE) {
      const some = due.slice(first, first + AT_ONCE);
      const results = await Promise.allSettled(some.map(({ clerkUserId }) => offerUserHooks(clerkUserId)));
      const asked = some.filter((_, at) => results[at]?.status === 'fulfilled');
      await markOffered(db, asked);
      offered += asked.length;
      const refused = results.find((result) => result.status === 'rejected');
      if (refused) throw refused.reason;
    }
  }
  return { offered };
}
