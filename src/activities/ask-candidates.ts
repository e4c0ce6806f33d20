import { cancellationSignal } from '@temporalio/activity';
import { askForUsers } from '../clerk/ask-for-users.js';
import {
  countGoneUsers,
  type GoneCount,
  listUnaskedCandidates,
  recordAnswer,
} from '../db/deletion-candidates.js';
import { ASKED_AT_ONCE } from '../planned.js';
import type { ActivityDependencies } from './dependencies.js';
import { requireInstance } from './require-instance.js';

export interface AskStep {
  /** The last candidate of the step before; null at the beginning. */
  after: string | null;
  /** One or two users whom this reconcile was shown and whom the table knew before. */
  witnessIds: string[];
  /** Whether those count as gone too whom an operator decided to keep. */
  withKept?: boolean;
}

export interface AskedCandidates {
  /** null once all were asked about. */
  after: string | null;
  clerkRequests: number;
  /** Whether the answer showed a witness; without one it says nothing, and the candidates stay. */
  witnessed: boolean;
  /** Who is gone by now, of all; once all were asked about. */
  gone?: GoneCount;
}

/**
 * Asks Clerk by id, in one request, about rows that a sweep did not find listed.
 *
 * @throws what the Clerk and Postgres rooms throw, all retried.
 */
export async function askCandidates(
  deps: ActivityDependencies,
  { after, witnessIds, withKept = false }: AskStep,
): Promise<AskedCandidates> {
  await requireInstance(deps);
  const ids = await listUnaskedCandidates(deps.db, after, ASKED_AT_ONCE);
  const answer =
    ids.length === 0 ? null : await askForUsers(deps.clerk, ids, witnessIds, cancellationSignal());
  if (answer !== null) await recordAnswer(deps.db, answer);
  const witnessed = ids.length === 0 || answer !== null;
  const isLast = ids.length < ASKED_AT_ONCE;
  return {
    after: isLast ? null : (ids.at(-1) ?? null),
    clerkRequests: ids.length === 0 ? 0 : 1,
    witnessed,
    ...(isLast && witnessed && { gone: await countGoneUsers(deps.db, { foundUpToMs: null, withKept }) }),
  };
}
