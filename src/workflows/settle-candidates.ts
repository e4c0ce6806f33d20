import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { ParentClosePolicy, startChild } from '@temporalio/workflow';
import type { AskedCandidates } from '../activities/ask-candidates.js';
import type { Drift } from '../drift.js';
import { APPROVE_DELETIONS_SIGNAL, REJECT_DELETIONS_SIGNAL } from '../names.js';
import { ASKED_AT_ONCE } from '../planned.js';
import { deleteAllGone } from './delete-all-gone.js';
import { deleteGoneUsers } from './delete-gone-users.js';
import { deletionLimit } from './deletion-limit.js';
import { ownNames } from './own-names.js';
import { askingClerk, inPostgres } from './reconcile-activities.js';
import type { ReconcileRun } from './reconcile-run.js';
import type { Swept } from './sweep-users.js';

/**
 * So many tasks ask for one sweep, each about 98 candidates or some times as many, for a run has to end. The rest are the
 * next one's; but with so many nobody knows how many are gone, and none is deleted without an operator.
 */
const MOST_ASKS = 500;

/**
 * Ends a sweep: asks Clerk by id about the rows that were not listed, and deletes those who are gone, if they are no more
 * than may be deleted without an operator. Else `deleteGoneUsers` holds them until an operator decides, and this run goes on to its end.
 */
export async function settleCandidates(
  run: ReconcileRun,
  { witnessIds, hasCandidates }: Swept,
  limits: { mostDeletions: number | undefined; mostDeletedShare: number },
): Promise<void> {
  if (!hasCandidates) return;
  if (witnessIds.length === 0) {
    if (run.counts.liveRows > 0)
      run.notes.push(
        '**Nobody is deleted**: Clerk listed no user whom the table knew before, so its list proves nothing.',
      );
    return;
  }
  run.state = 'asking';
  // Who names a number has looked at what was kept before. It is taken along if that number allows for all of them.
  let withKept = limits.mostDeletions !== undefined;
  let isComplete = true;
  let counted: AskedCandidates['gone'];
  for (let after: string | null = null, asks = 1; ; asks++) {
    await run.untilResumed();
    const asked: AskedCandidates = await askingClerk.askCandidates({ after, witnessIds, withKept });
    run.add({ clerkRequests: asked.clerkRequests });
    if (!asked.witnessed) {
      run.notes.push(
        '**Deletions wait for the next sweep**: Clerk, asked by id, did not show a user whom it had just listed, so its answer proves nothing.',
      );
      break;
    }
    counted = asked.gone;
    if (asked.after === null) break;
    after = asked.after;
    isComplete = asks < MOST_ASKS;
    if (!isComplete) break;
  }
  const { liveRows } = run.counts;
  const { mostDeletions, mostDeletedShare } = limits;
  let found = counted ?? (await inPostgres.countGone({ foundUpToMs: null, withKept }));
  if (mostDeletions !== undefined && found.gone > mostDeletions) {
    withKept = false;
    found = await inPostgres.countGone({ foundUpToMs: null, withKept });
  }
  const { gone, foundUpToMs, deletedLately } = found;
  if (gone === 0) return;
  const { limit, left } = deletionLimit({ ...found, liveRows }, mostDeletedShare);
  if (gone > (mostDeletions ?? left) || !isComplete) {
    const why =
      mostDeletions === undefined
        ? `more than reconciles may make by themselves (${limit} in 24 hours, of which ${deletedLately} were made; ${left} more now)`
        : `more than the ${mostDeletions} that were allowed`;
    run.notes.push(
      `**${gone} deletions withheld**: ${isComplete ? why : 'more rows are missing from the list than one run asks about'}. The workflow \`${ownNames().deleteGoneUsersWorkflowId}\` waits for \`${APPROVE_DELETIONS_SIGNAL}\` or \`${REJECT_DELETIONS_SIGNAL}\`.`,
    );
    run.add({ withheld: gone });
    await hold({ foundUpToMs, liveRows, limit, deletedLately, withheldOver: left });
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
    run.notes.push('Clerk listed no user whom the table knew before, so who is gone cannot be told.');
    return [];
  }
  run.state = 'asking';
  const drifts: Drift[] = [];
  for (let from = 0; from < unlistedIds.length; from += ASKED_AT_ONCE) {
    const ids = unlistedIds.slice(from, from + ASKED_AT_ONCE);
    const gone = await askingClerk.askForPlanned({ ids, witnessIds });
    run.add({ clerkRequests: 1, deleted: gone?.length ?? 0 });
    for (const clerkUserId of gone ?? [])
      drifts.push({ clerkUserId, label: 'missed_delete', fields: [], sinceMs: null });
  }
  if (planned.unlisted > unlistedIds.length)
    run.notes.push(
      `${planned.unlisted} rows or more were not listed; Clerk was asked about the first ${unlistedIds.length}.`,
    );
  return drifts;
}
