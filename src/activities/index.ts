import { activityInfo } from '@temporalio/activity';
import { type ReconcileRunRecord, recordReconcileRun } from '../db/record-reconcile-run.js';
import { recordSyncFailure, resolveSyncFailures, type SyncFailureRecord } from '../db/sync-failures.js';
import type { UserChange } from '../user-change.js';
import { applyUserChange } from './apply-user-change.js';
import { type DeltaPlace, deltaPage } from './delta-page.js';
import type { ActivityDependencies } from './dependencies.js';
import { heartbeating } from './heartbeating.js';
import { planReconcile, type ReconcileRequest } from './plan-reconcile.js';
import { type SettleStep, settleGoneUsers } from './settle-gone-users.js';
import { type SweepStep, sweepPage } from './sweep-page.js';

/** The activities as Temporal knows them: each takes one argument, and everything else comes from the worker. */
export function createActivities(deps: ActivityDependencies) {
  return {
    applyUserChange: heartbeating((change: UserChange) => applyUserChange(deps, change)),
    recordSyncFailure: heartbeating((record: Pick<SyncFailureRecord, 'clerkUserId' | 'code' | 'message'>) => {
      const { workflowId = '', runId = '' } = activityInfo().workflowExecution ?? {};
      return recordSyncFailure(deps.db, { ...record, workflowId, runId, parked: true });
    }),
    resolveSyncFailure: heartbeating((clerkUserId: string) => resolveSyncFailures(deps.db, [clerkUserId])),
    planReconcile: heartbeating((asked: ReconcileRequest) => planReconcile(deps, asked)),
    sweepPage: heartbeating((step: SweepStep) => sweepPage(deps, step)),
    settleGoneUsers: heartbeating((step: SettleStep) => settleGoneUsers(deps, step)),
    deltaPage: heartbeating((place: DeltaPlace) => deltaPage(deps, place)),
    recordReconcileRun: heartbeating((record: ReconcileRunRecord) => recordReconcileRun(deps.db, record)),
  };
}

export type Activities = ReturnType<typeof createActivities>;
