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
import { LONGEST_TASK_MS, pagesPerTask } from './pages-per-task.js';
import { requireInstance } from './require-instance.js';

export type { GoneCount };

export interface AskStep {
  /** The last candidate of the step before; null at the beginning. */
  after: string | null;
  /** One or two users whom this reconcile was shown and whom the table knew before. */
  witnessIds: string[];
  /** Whether those count as gone too whom an operator decided to keep. */
  withKept?: boolean;
}

export interface AskedCandidates {
  /** Whom the next step is to go on after; null once all were asked about. */
  after: string | null;
  clerkRequests: number;
  /** Whether the answer showed a witness; without one it says nothing, and the candidates stay. */
  witnessed: boolean;
  /** Who is gone by now, of all; once all were asked about. */
  gone?: GoneCount;
}

/**
 * Asks Clerk by id about rows that a sweep did not find listed: so many at a time as one request may name, and as often as
 * the rate allows one task.
 *
 * @throws what the Clerk and Postgres rooms throw, all retried; who was asked about is not asked about again.
 */
export async function askCandidates(
  deps: ActivityDependencies,
  { after, witnessIds, withKept = false }: AskStep,
): Promise<AskedCandidates> {
  await requireInstance(deps);
  const most = pagesPerTask(deps.reconcile);
  const endMs = Date.now() + LONGEST_TASK_MS;
  let clerkRequests = 0;
  for (let last = after; ; ) {
    const ids = await listUnaskedCandidates(deps.db, last, ASKED_AT_ONCE);
    if (ids.length > 0) {
      const answer = await askForUsers(deps.clerk, ids, witnessIds, cancellationSignal());
      clerkRequests += 1;
      if (answer === null) return { after: last, clerkRequests, witnessed: false };
      await recordAnswer(deps.db, answer);
    }
    if (ids.length < ASKED_AT_ONCE) {
      const gone = await countGoneUsers(deps.db, { foundUpToMs: null, withKept });
      return { after: null, clerkRequests, witnessed: true, gone };
    }
    last = ids.at(-1) ?? last;
    if (clerkRequests >= most || Date.now() >= endMs) return { after: last, clerkRequests, witnessed: true };
  }
}
