import type { AskedCandidates, GoneCount } from '../activities/ask-candidates.js';
import { inPostgres } from './reconcile-activities.js';
import type { ReconcileRun } from './reconcile-run.js';
import { ClerkProblem, unlessClerkFails } from './unless-clerk-fails.js';

/**
 * So many tasks ask for one sweep, each about 98 candidates or some times as many, for a run has to end. The rest are the
 * next one's; but with so many nobody knows how many are gone, and none is deleted without an operator.
 */
const MAX_ASKS = 500;

export const unaskedBecauseOf = ({ message }: ClerkProblem): string =>
  `Clerk was asked by id about rows that it had not listed, and failed: ${message}`;
export const UNWITNESSED =
  'Clerk, asked by id, did not show a user whom it had just listed, so its answer proves nothing.';

export interface Found extends GoneCount {
  /** Whether more candidates are left than one run asks about. */
  isTooMuch: boolean;
}

/**
 * Asks Clerk by id about all candidates, and counts who is gone. Where it fails, or proves nothing, those not asked about
 * wait for the next sweep: the run says so, and goes on.
 *
 * @param witnessIds none: nobody is asked about.
 */
export async function askAllCandidates(
  run: ReconcileRun,
  asking: { witnessIds: string[]; withKept: boolean },
): Promise<Found> {
  let counted: GoneCount | undefined;
  let isTooMuch = false;
  let step: Pick<AskedCandidates, 'after' | 'size'> = { after: null };
  for (let asks = 1; asking.witnessIds.length > 0; asks++) {
    await run.untilResumed();
    const { after, size } = step;
    const asked = await unlessClerkFails((activities) =>
      activities.askCandidates({ after, ...(size === undefined ? {} : { size }), ...asking }),
    );
    if (asked instanceof ClerkProblem) {
      run.addProblem(unaskedBecauseOf(asked));
      break;
    }
    run.add({ clerkRequests: asked.clerkRequests });
    if (!asked.witnessed) {
      run.addProblem(UNWITNESSED);
      break;
    }
    counted = asked.gone;
    if (asked.after === null) break;
    step = asked;
    isTooMuch = asks >= MAX_ASKS;
    if (isTooMuch) break;
  }
  const { withKept } = asking;
  const found = counted ?? (await inPostgres.countGone({ foundUpToMs: null, withKept }));
  if (found.unasked > 0) {
    run.add({ unasked: found.unasked });
    run.notes.push(
      `**${found.unasked} deletions wait for the next sweep**: Clerk is to be asked about these rows first.`,
    );
  }
  return { ...found, isTooMuch };
}
