import { log } from '@temporalio/activity';
import { LARGEST_PAGE } from '../clerk/list-users.js';
import { applyDeletions } from '../db/apply-deletions.js';
import { forgetGoneUsers, listGoneUsers } from '../db/gone-users.js';
import type { ActivityDependencies } from './dependencies.js';

export interface SettleStep {
  /** The reconcile's id in `reconcile_runs`. */
  runId: string;
  /** With more than this, none is deleted. */
  mostDeletions: number;
}

/**
 * Ends a sweep: marks deleted whom it found gone, all of them or, when they are more than one run may delete, nobody.
 * Those withheld stay in `gone_users`, to be looked at, until the next sweep.
 *
 * @throws POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 * @remarks Safe to repeat: a tombstone is not written twice.
 */
export async function settleGoneUsers(
  deps: ActivityDependencies,
  { runId, mostDeletions }: SettleStep,
): Promise<{ deleted: number; withheld: number }> {
  // What an earlier sweep withheld, this one has looked at again.
  await forgetGoneUsers(deps.db, { byOthersThan: runId });
  const gone = await listGoneUsers(deps.db, runId);
  if (gone.length > mostDeletions) {
    log.error('Deletions withheld: more users are gone from Clerk than one run may delete', {
      gone: gone.length,
      mostDeletions,
    });
    return { deleted: 0, withheld: gone.length };
  }
  let deleted = 0;
  for (let from = 0; from < gone.length; from += LARGEST_PAGE) {
    const deletions = gone
      .slice(from, from + LARGEST_PAGE)
      .map(({ clerkUserId, observedAtMs }) => ({ clerkUserId, deletedAtMs: observedAtMs }));
    const results = await applyDeletions(deps.db, deletions, {
      observedVia: 'api',
      writer: 'reconcile',
      markUnknown: false,
    });
    deleted += results.filter(({ outcome }) => outcome === 'deleted').length;
  }
  await forgetGoneUsers(deps.db, { by: runId });
  return { deleted, withheld: 0 };
}
