import { condition, continueAsNew, setCurrentDetails, setHandler, workflowInfo } from '@temporalio/workflow';
import { APPROVE_DELETIONS_SIGNAL, REJECT_DELETIONS_SIGNAL } from '../names.js';
import { deleteAllGone } from './delete-all-gone.js';
import { inPostgres } from './reconcile-activities.js';
import { approveDeletions, rejectDeletions } from './reconcile-messages.js';

export interface DeleteGoneInput {
  /** Candidates found later are decided about by a later sweep. Unix milliseconds. */
  foundUpToMs: number;
  liveRows: number;
  /** What reconciles may delete by themselves in 24 hours, and what they have deleted in the last 24. */
  limit: number;
  deletedLately: number;
  /** How many could have been deleted without an operator when these were withheld. */
  withheldOver: number;
}

export interface DeleteGoneResult {
  decision: 'approved' | 'rejected' | 'nothing left';
  deleted: number;
  phantoms: number;
  failed: number;
  /** Rows kept on an operator's word. */
  kept: number;
}

/** Events and sweeps may settle some meanwhile, so it is counted again from time to time. */
const COUNT_EVERY = '5m';

/**
 * Holds deletions that are too many to be made without an operator until one decides: `approveDeletions` or `rejectDeletions`. The
 * sweep that found them has ended, so that the reconcile goes on meanwhile.
 */
export async function deleteGoneUsers(input: DeleteGoneInput): Promise<DeleteGoneResult> {
  const { foundUpToMs, liveRows, limit, deletedLately, withheldOver } = input;
  const result: DeleteGoneResult = {
    decision: 'nothing left',
    deleted: 0,
    phantoms: 0,
    failed: 0,
    kept: 0,
  };
  let decision: 'approved' | 'rejected' | null = null;
  setHandler(approveDeletions, () => {
    decision = 'approved';
  });
  setHandler(rejectDeletions, () => {
    decision = 'rejected';
  });
  await inPostgres.withholdGone({ foundUpToMs, withheldOver });
  const so = deletedLately > 0 ? ` (${deletedLately} in the last 24)` : '';
  for (;;) {
    const { gone } = await inPostgres.countGone({ foundUpToMs, withKept: false });
    if (gone === 0) return result;
    const share = Math.round((gone / Math.max(1, liveRows)) * 100);
    setCurrentDetails(
      [
        `**Parked: ${gone} of ${liveRows} users (${share} %) are gone from Clerk**, and reconciles delete at most ${limit} in 24 hours by themselves${so}. None of these has been deleted.`,
        `The rows are in \`deletion_candidates\`. If the users are really gone, send the signal \`${APPROVE_DELETIONS_SIGNAL}\`; to keep the rows, \`${REJECT_DELETIONS_SIGNAL}\`.`,
      ].join('\n\n'),
    );
    if (await condition(() => decision !== null, COUNT_EVERY)) break;
    if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof deleteGoneUsers>(input);
  }
  if (decision === 'rejected') {
    const kept = await inPostgres.rejectGone(foundUpToMs);
    setCurrentDetails(`**Rejected**: ${kept} rows are kept.`);
    return { ...result, decision, kept };
  }
  await deleteAllGone({ foundUpToMs, withKept: false, approved: true }, ({ deleted, phantoms, failed }) => {
    result.deleted += deleted;
    result.phantoms += phantoms;
    result.failed += failed;
  });
  setCurrentDetails(`**Approved**: ${result.deleted} users deleted.`);
  return { ...result, decision: 'approved' };
}
