import { cancellationSignal } from '@temporalio/activity';
import { askForUsers } from '../clerk/ask-for-users.js';
import { listUnaskedCandidates, recordAnswer } from '../db/deletion-candidates.js';
import { ASKED_AT_ONCE } from '../planned.js';
import type { ActivityDependencies } from './dependencies.js';
import { requireInstance } from './require-instance.js';

export interface AskStep {
  /** The last candidate of the step before; null at the beginning. */
  after: string | null;
  /** One or two users whom this reconcile was shown and whom the table knew before. */
  witnessIds: string[];
}

export interface AskedCandidates {
  /** null once all were asked about. */
  after: string | null;
  clerkRequests: number;
  /** Whether the answer showed a witness; without one it says nothing, and the candidates stay. */
  witnessed: boolean;
}

/**
 * Asks Clerk by id, in one request, about rows that a sweep did not find listed.
 *
 * @throws what the Clerk and Postgres rooms throw, all retried.
 */
export async function askCandidates(
  deps: ActivityDependencies,
  { after, witnessIds }: AskStep,
): Promise<AskedCandidates> {
  await requireInstance(deps);
  const ids = await listUnaskedCandidates(deps.db, after, ASKED_AT_ONCE);
  if (ids.length === 0) return { after: null, clerkRequests: 0, witnessed: true };
  const answer = await askForUsers(deps.clerk, ids, witnessIds, cancellationSignal());
  if (answer !== null) await recordAnswer(deps.db, answer);
  return {
    after: ids.length < ASKED_AT_ONCE ? null : (ids.at(-1) ?? null),
    clerkRequests: 1,
    witnessed: answer !== null,
  };
}
