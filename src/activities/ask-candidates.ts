import { cancellationSignal } from '@temporalio/activity';
import {
  countGoneUsers,
  type GoneCount,
  listUnaskedCandidates,
  recordAnswer,
} from '../db/deletion-candidates.js';
import { ASKED_AT_ONCE } from '../planned.js';
import { askInParts } from './ask-in-parts.js';
import type { ActivityDependencies } from './dependencies.js';
import { LONGEST_TASK_MS, pagesPerTask } from './pages-per-task.js';
import { requireInstance } from './require-instance.js';

export type { GoneCount };

export interface AskStep {
  /** The last candidate of the step before; null at the beginning. */
  after: string | null;
  /** How many the next request names; as many as one may, unless larger ones were refused. */
  size?: number;
  /** One or two users whom this reconcile was shown and whom the table knew before. */
  witnessIds: string[];
  /** Whether those count as gone too whom an operator decided to keep. */
  withKept?: boolean;
}

export interface AskedCandidates {
  /** Whom the next step is to go on after; null once all were asked about. */
  after: string | null;
  size?: number;
  clerkRequests: number;
  /** Whether the answer showed a witness; without one it says nothing, and the candidates stay. */
  witnessed: boolean;
  /** Who is gone by now, of all; once all were asked about. */
  gone?: GoneCount;
}

/**
 * Asks Clerk by id about rows that a sweep did not find listed: so many at a time as one request may name, and as often as
 * the rate allows one task. Where Clerk fails over some of them, fewer are named, so that one id holds up no other.
 *
 * @throws what the Clerk and Postgres rooms throw, all retried; who was asked about is not asked about again. Not where
 *   Clerk fails over a single id: that candidate is passed over, and stays.
 */
export async function askCandidates(
  deps: ActivityDependencies,
  { after, size = ASKED_AT_ONCE, witnessIds, withKept = false }: AskStep,
): Promise<AskedCandidates> {
  await requireInstance(deps);
  const most = pagesPerTask(deps.reconcile);
  const endMs = Date.now() + LONGEST_TASK_MS;
  const asking = askInParts(deps.clerk, witnessIds, cancellationSignal());
  for (let last = after, part = size; ; ) {
    const ids = await listUnaskedCandidates(deps.db, last, part);
    const answer = ids.length === 0 ? 'unanswered' : await asking.ask(ids);
    if (answer === 'unwitnessed') return { after: last, clerkRequests: asking.requests(), witnessed: false };
    if (typeof answer === 'object') await recordAnswer(deps.db, answer);
    if (answer !== 'too-many' && ids.length < part) {
      const gone = await countGoneUsers(deps.db, { foundUpToMs: null, withKept });
      return { after: null, clerkRequests: asking.requests(), witnessed: true, gone };
    }
    if (answer === 'too-many') part = Math.ceil(ids.length / 4);
    else last = ids.at(-1) ?? last;
    if (typeof answer === 'object' && !answer.alone) part = Math.min(ASKED_AT_ONCE, part * 2);
    if (asking.requests() >= most || Date.now() >= endMs)
      // Before every id, where even the first is still to be asked about.
      return { after: last ?? '', size: part, clerkRequests: asking.requests(), witnessed: true };
  }
}
