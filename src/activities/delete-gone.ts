import { LARGEST_PAGE } from '../clerk/list-users.js';
import { applyDeletions, type DeletedUser } from '../db/apply-deletions.js';
import { type GoneSelection, listGoneUsers } from '../db/deletion-candidates.js';
import { endWithholding } from '../db/end-withholding.js';
import { failureCode } from '../failures.js';
import type { ActivityDependencies } from './dependencies.js';
import { eraseAtOnce } from './erase-at-once.js';
import { knownInstance } from './require-instance.js';
import { writeRows } from './write-rows.js';

export interface DeleteStep extends GoneSelection {
  /**
   * Whether an operator has decided about them. Then the log names the operator as their writer: such a deletion counts
   * neither against the limit of a day nor as one that a webhook should have brought.
   */
  approved: boolean;
  /** The last user of the step before; null at the beginning. */
  after: string | null;
}

export interface DeletedUsers {
  deleted: number;
  /** Of those: rows whose users Clerk never had. */
  phantoms: number;
  /** Rows that Postgres refuses to mark; each has a row in `sync_failures`. */
  failed: number;
  /** null once nobody is left. */
  after: string | null;
}

/**
 * Marks as deleted a part of those whom Clerk, asked by id, no longer has.
 *
 * @throws POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 * @remarks Safe to repeat: a tombstone is not written twice. A row that changed since Clerk was asked is left alone.
 */
export async function deleteGone(deps: ActivityDependencies, step: DeleteStep): Promise<DeletedUsers> {
  const gone = await listGoneUsers(deps.db, { ...step, most: LARGEST_PAGE });
  const result: DeletedUsers = {
    deleted: 0,
    phantoms: 0,
    failed: 0,
    after: gone.length < LARGEST_PAGE ? null : (gone.at(-1)?.clerkUserId ?? null),
  };
  result.failed = await writeRows(deps, gone, async (rows) => {
    const deletions = rows.map(({ clerkUserId, goneAtMs }) => ({ clerkUserId, deletedAtMs: goneAtMs }));
    const options = {
      observedVia: 'api',
      writer: step.approved ? 'operator' : 'reconcile',
      markUnknown: false,
      instanceId: knownInstance(deps),
    } as const;
    const marked = await applyDeletions(deps.db, deletions, options);
    const deleted = marked.filter(({ outcome }) => outcome === 'deleted');
    result.deleted += deleted.length;
    result.phantoms += deleted.filter(({ drift }) => drift === 'phantom').length;
    await eraseIfPossible(deps, marked);
  });
  // The operator has decided about those too that Postgres refused; sync_failures tells of them.
  if (step.approved && result.failed > 0)
    await endWithholding(
      deps.db,
      gone.map(({ clerkUserId }) => clerkUserId),
    );
  return result;
}

/** What cannot be erased now, the end of a sweep sees to. */
async function eraseIfPossible(deps: ActivityDependencies, marked: readonly DeletedUser[]): Promise<void> {
  try {
    await eraseAtOnce(deps, marked);
  } catch (error) {
    if (failureCode(error) !== 'POSTGRES_UNAVAILABLE') throw error;
  }
}
