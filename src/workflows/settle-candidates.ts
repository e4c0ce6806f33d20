import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { ParentClosePolicy, startChild } from '@temporalio/workflow';
import type { Drift } from '../drift.js';
import { APPROVE_DELETIONS_SIGNAL, REJECT_DELETIONS_SIGNAL } from '../names.js';
import { ASKED_AT_ONCE } from '../planned.js';
import { askAllCandidates, UNWITNESSED, unaskedBecauseOf } from './ask-all-candidates.js';
import { deleteAllGone } from './delete-all-gone.js';
import { deleteGoneUsers } from './delete-gone-users.js';
import { deletionLimit } from './deletion-limit.js';
import { ownNames } from './own-names.js';
import { inPostgres } from './reconcile-activities.js';
import type { ReconcileRun } from './reconcile-run.js';
import type { Swept } from './sweep-users.js';
import { ClerkProblem, unlessClerkFails } from './unless-clerk-fails.js';

/**
 * Ends a sweep: asks Clerk by id about the rows that were not listed, and deletes those who are gone, if they are no more
 * than may be deleted without an operator. Else `deleteGoneUsers` holds them until an operator decides, and this run goes on to its end.
 */
export async function settleCandidates(
  run: ReconcileRun,
  { witnessIds, hasCandidates }: Swept,
  limits: { mostDeletions: number | undefined; mostDeletedShare: number },
): Promise<void> {
  const { mostDeletions, mostDeletedShare } = limits;
  // Those that an operator keeps are none, but an operator's number is about them as well.
  if (!hasCandidates && mostDeletions === undefined) return;
  if (witnessIds.length === 0 && hasCandidates)
    run.addProblem(
      'Nobody is deleted: Clerk listed no user whom the table knew before, so its list proves nothing.',
    );
  run.state = 'asking';
  // An explicit limit also covers previously rejected rows, if it allows for all of them.
  let withKept = mostDeletions !== undefined;
  const { isTooMuch, ...counted } = await askAllCandidates(run, { witnessIds, withKept });
  if (witnessIds.length === 0) return;
  let found = counted;
  if (mostDeletions !== undefined && found.gone > mostDeletions) {
    withKept = false;
    found = await inPostgres.countGone({ foundUpToMs: null, withKept });
  }
  const { gone, foundUpToMs, deletedLately, unasked } = found;
  const { liveRows } = run.counts;
  if (gone === 0) return;
  const { limit, left } = deletionLimit({ ...found, liveRows }, mostDeletedShare);
  const allowed = mostDeletions ?? left;
  if (gone > allowed || isTooMuch) {
    const why =
      mostDeletions === undefined
        ? `more than reconciles may make by themselves (${limit} in 24 hours, of which ${deletedLately} were made; ${left} more now)`
        : `more than the ${mostDeletions} that were allowed`;
    run.notes.push(
      `**${gone} deletions withheld**: ${isTooMuch ? 'more rows are missing from the list than one run asks about' : why}. The workflow \`${ownNames().deleteGoneUsersWorkflowId}\` waits for \`${APPROVE_DELETIONS_SIGNAL}\` or \`${REJECT_DELETIONS_SIGNAL}\`.`,
    );
    run.add({ withheld: gone });
    await hold({ foundUpToMs, liveRows, limit, deletedLately, withheldOver: left });
    return;
  }
  if (gone + unasked > allowed) {
    run.notes.push(
      `**${gone} others wait with them**: together they may be more than the ${allowed} that may be made.`,
    );
    return;
  }
  run.state = 'deleting';
  await deleteAllGone(
    { foundUpToMs, withKept, approved: mostDeletions !== undefined },
    (deleted) => run.add(deleted),
    () => run.untilResumed(),
  );
}

async function hold(input: Parameters<typeof deleteGoneUsers>[0]): Promise<void> {
  try {
    await startChild(deleteGoneUsers, {
      workflowId: ownNames().deleteGoneUsersWorkflowId,
      args: [input],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: 'Deletions that wait for an operator',
    });
  } catch (error) {
    // One waits already; whoever decides about it settles these, or the next sweep does.
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}

/** Tells which rows a plan would delete, from the first of those that were not listed; writes nothing. */
export async function planDeletions(run: ReconcileRun, { witnessIds, planned }: Swept): Promise<Drift[]> {
  const { unlistedIds } = planned;
  if (unlistedIds.length === 0) return [];
  if (witnessIds.length === 0) {
    run.addProblem('Clerk listed no user whom the table knew before, so who is gone cannot be told.');
    run.add({ unasked: planned.unlisted });
    return [];
  }
  run.state = 'asking';
  const drifts: Drift[] = [];
  for (let from = 0; from < unlistedIds.length; from += ASKED_AT_ONCE) {
    const ids = unlistedIds.slice(from, from + ASKED_AT_ONCE);
    const gone = await unlessClerkFails((activities) => activities.askForPlanned({ ids, witnessIds }));
    if (gone instanceof ClerkProblem) {
      run.addProblem(unaskedBecauseOf(gone));
      run.add({ unasked: planned.unlisted - from });
      break;
    }
    run.add({ clerkRequests: 1, deleted: gone?.length ?? 0, unasked: gone === null ? ids.length : 0 });
    if (gone === null) run.addProblem(UNWITNESSED);
    for (const clerkUserId of gone ?? [])
      drifts.push({ clerkUserId, label: 'missed_delete', fields: [], sinceMs: null });
  }
  if (planned.unlisted > unlistedIds.length)
    run.notes.push(
      `${planned.unlisted} rows or more were not listed; Clerk was asked about the first ${unlistedIds.length}.`,
    );
  return drifts;
}
