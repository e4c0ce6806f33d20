import { activityInfo, getClient } from '@temporalio/activity';
import { countGoneUsers, type GoneSelection, rejectGoneUsers } from '../db/deletion-candidates.js';
import { findWindowBounds } from '../db/find-window-bounds.js';
import type { ChangePlace } from '../db/prune-user-changes.js';
import type { ReconcileRunRecord } from '../db/record-reconcile-run.js';
import { recordSyncFailure, resolveSyncFailure, type SyncFailureRecord } from '../db/sync-failures.js';
import { withholdGoneUsers } from '../db/withhold-gone-users.js';
import type { Outcome, UserChange } from '../user-change.js';
import { applyUserChange } from './apply-user-change.js';
import { type AskStep, askCandidates } from './ask-candidates.js';
import { askForPlanned } from './ask-for-planned.js';
import { beginReconcile, type ReconcileBeginning } from './begin-reconcile.js';
import { compareCounts, type EarlierCount } from './compare-counts.js';
import type { CompareStep } from './compare-page.js';
import { comparePages } from './compare-pages.js';
import { countCreatedBeforeEach } from './count-created-before-each.js';
import { type DeleteStep, deleteGone } from './delete-gone.js';
import { type DeltaPlace, deltaPage } from './delta-page.js';
import type { ActivityDependencies } from './dependencies.js';
import { endReconcile, type ReconcileEnd } from './end-reconcile.js';
import { eraseOverdue } from './erase-overdue.js';
import { heartbeating } from './heartbeating.js';
import { hurryHooks } from './hurry-hooks.js';
import { pruneChanges } from './prune-changes.js';
import { recordReconcileRun } from './record-reconcile-run.js';
import { refetchUser } from './refetch-user.js';
import { createSearchAttributeCheck } from './search-attributes.js';

/** The activities as Temporal knows them: each takes one argument, and everything else comes from the worker. */
export function createActivities(deps: ActivityDependencies) {
  const hasSyncStatus = createSearchAttributeCheck();
  const thenHooks =
    <Change extends UserChange>(
      apply: (given: ActivityDependencies, change: Change) => Promise<{ outcome: Outcome }>,
    ) =>
    async (change: Change) => {
      const applied = await apply(deps, change);
      await hurryHooks(deps, change.clerkUserId, applied.outcome);
      return applied;
    };
  return {
    applyUserChange: heartbeating(thenHooks(applyUserChange)),
    refetchUser: heartbeating(thenHooks(refetchUser)),
    recordSyncFailure: heartbeating((record: Pick<SyncFailureRecord, 'clerkUserId' | 'code' | 'message'>) => {
      const { workflowId = '', runId = '' } = activityInfo().workflowExecution ?? {};
      return recordSyncFailure(deps.db, { ...record, workflowId, runId, parked: true });
    }),
    hasSyncStatus: heartbeating(() => hasSyncStatus(getClient())),
    resolveSyncFailure: heartbeating((clerkUserId: string) => resolveSyncFailure(deps.db, clerkUserId)),

    beginReconcile: heartbeating((beginning: ReconcileBeginning) => beginReconcile(deps, beginning)),
    compareCounts: heartbeating((earlier: EarlierCount | null) => compareCounts(deps, earlier)),
    countCreatedBeforeEach: heartbeating((timesMs: readonly number[]) =>
      countCreatedBeforeEach(deps, timesMs),
    ),
    findWindowBounds: heartbeating((windows: number) => findWindowBounds(deps.db, windows)),
    comparePages: heartbeating((step: CompareStep) => comparePages(deps, step)),
    deltaPage: heartbeating((place: DeltaPlace) => deltaPage(deps, place)),
    askCandidates: heartbeating((step: AskStep) => askCandidates(deps, step)),
    askForPlanned: heartbeating((asked: { ids: string[]; witnessIds: string[] }) =>
      askForPlanned(deps, asked),
    ),
    countGone: heartbeating((selection: GoneSelection) => countGoneUsers(deps.db, selection)),
    withholdGone: heartbeating((held: { foundUpToMs: number; withheldOver: number }) =>
      withholdGoneUsers(deps.db, held),
    ),
    rejectGone: heartbeating((foundUpToMs: number) => rejectGoneUsers(deps.db, foundUpToMs)),
    deleteGone: heartbeating((step: DeleteStep) => deleteGone(deps, step)),
    eraseOverdue: heartbeating(() => eraseOverdue(deps)),
    pruneChanges: heartbeating((after: ChangePlace | null) => pruneChanges(deps, after)),
    endReconcile: heartbeating((end: ReconcileEnd) => endReconcile(deps, end)),
    recordReconcileRun: heartbeating((run: ReconcileRunRecord) => recordReconcileRun(deps, run)),
  };
}

export type Activities = ReturnType<typeof createActivities>;
