import { log } from '@temporalio/activity';
import { LARGEST_PAGE } from '../clerk/list-users.js';
import { applyDeletions, type Deletion } from '../db/apply-deletions.js';
import { forgetEarlierGoneUsers, forgetGoneUsers, listGoneUsers } from '../db/gone-users.js';
import { failureCode } from '../failures.js';
import type { ActivityDependencies } from './dependencies.js';
import { recordRefused } from './record-refused.js';

export interface SettleStep {
  /** The reconcile's id in `reconcile_runs`. */
  runId: string;
  /** With more than this, none is deleted. */
  mostDeletions: number;
  /** Whether a page had more candidates than it asked about, so that nobody knows how many are gone. */
  incomplete: boolean;
}

export interface SettledUsers {
  deleted: number;
  withheld: number;
  /** Rows that Postgres refuses to mark; each has a row in `sync_failures`. */
  failed: number;
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
  { runId, mostDeletions, incomplete }: SettleStep,
): Promise<SettledUsers> {
  // What an earlier sweep withheld, this one has looked at again.
  await forgetEarlierGoneUsers(deps.db, runId);
  const gone = await listGoneUsers(deps.db, runId);
  if (gone.length > mostDeletions || (incomplete && gone.length > 0)) {
    log.error('Deletions withheld: more users are gone from Clerk than one run may delete', {
      gone: gone.length,
      mostDeletions,
    });
    return { deleted: 0, withheld: gone.length, failed: 0 };
  }
  const deletions = gone.map(({ clerkUserId, observedAtMs }) => ({ clerkUserId, deletedAtMs: observedAtMs }));
  let deleted = 0;
  let failed = 0;
  for (let from = 0; from < deletions.length; from += LARGEST_PAGE) {
    const chunk = deletions.slice(from, from + LARGEST_PAGE);
    try {
      deleted += await markDeleted(deps, chunk);
    } catch (error) {
      if (failureCode(error) !== 'ROW_REJECTED') throw error;
      for (const deletion of chunk) {
        try {
          deleted += await markDeleted(deps, [deletion]);
        } catch (rejected) {
          await recordRefused(deps, deletion.clerkUserId, rejected);
          failed += 1;
        }
      }
    }
  }
  await forgetGoneUsers(deps.db, runId);
  return { deleted, withheld: 0, failed };
}

async function markDeleted(deps: ActivityDependencies, deletions: readonly Deletion[]): Promise<number> {
  const options = { observedVia: 'api', writer: 'reconcile', markUnknown: false } as const;
  const results = await applyDeletions(deps.db, deletions, options);
  return results.filter(({ outcome }) => outcome === 'deleted').length;
}
