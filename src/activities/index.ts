import { activityInfo } from '@temporalio/activity';
import { type ReconcileRunRecord, recordReconcileRun } from '../db/record-reconcile-run.js';
import { recordSyncFailure, resolveSyncFailure } from '../db/sync-failures.js';
import type { UserChange } from '../user-change.js';
import { applyUserChange } from './apply-user-change.js';
import { type DeltaPlace, deltaPage } from './delta-page.js';
import type { ActivityDependencies } from './dependencies.js';
import { planReconcile } from './plan-reconcile.js';
import { type SettleStep, settleGoneUsers } from './settle-gone-users.js';
import { type SweepStep, sweepPage } from './sweep-page.js';

/** The activities as Temporal knows them: each takes one argument, and everything else comes from the worker. */
export function createActivities(deps: ActivityDependencies) {
  return {
    applyUserChange: (change: UserChange) => applyUserChange(deps, change),
    recordSyncFailure: (record: { clerkUserId: string; code: string; message: string }) => {
      const { workflowId = '', runId = '' } = activityInfo().workflowExecution ?? {};
      return recordSyncFailure(deps.db, { ...record, workflowId, runId });
    },
    resolveSyncFailure: (clerkUserId: string) => resolveSyncFailure(deps.db, clerkUserId),
    planReconcile: (kind: 'auto' | 'sweep') => planReconcile(deps, kind),
    sweepPage: (step: SweepStep) => sweepPage(deps, step),
    settleGoneUsers: (step: SettleStep) => settleGoneUsers(deps, step),
    deltaPage: (place: DeltaPlace) => deltaPage(deps, place),
    recordReconcileRun: (record: ReconcileRunRecord) => recordReconcileRun(deps.db, record),
  };
}

export type Activities = ReturnType<typeof createActivities>;
