import {
  CancellationScope,
  continueAsNew,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  workflowInfo,
} from '@temporalio/workflow';
import { addTotals, noTotals, type ReconcileTotals } from '../reconcile-totals.js';
import { ASKING_CLERK, SHORT } from './activity-options.js';
import type { ReconcileInput, ReconcileResult } from './reconcile-messages.js';
import type { reconcileUsers } from './reconcile-users.js';

/*
 * A reconcile as it was before sweeps were split into windows: one walk over all users. Runs begun then are replayed with
 * this code until they end; no run begins with it. To be removed, with its activities and its recorded histories, in the
 * version after the first release.
 */

const PAGES_PER_RUN = 100;

interface EarlierInput extends ReconcileInput {
  carried?: EarlierState;
}

interface EarlierState {
  plan: Plan;
  startedAtMs: number;
  totals: ReconcileTotals;
  place: Place | null;
  incomplete: boolean;
  offset: number;
}

type Plan = { clerkUsers: number; clerkRequests: number; mostDeletions: number; surplus: number } & (
  | { kind: 'sweep' }
  | { kind: 'delta'; sinceMs: number }
);

interface Place {
  clerkUserId: string;
  clerkCreatedAtMs: number;
}

/** As these activities were then. */
interface EarlierActivities {
  planReconcile(asked: Omit<EarlierInput, 'carried'>): Promise<Plan>;
  sweepPage(step: {
    after: Place | null;
    runId: string;
  }): Promise<{ totals: ReconcileTotals; next: Place | null; incomplete: boolean }>;
  deltaPage(place: {
    offset: number;
    sinceMs: number;
  }): Promise<{ totals: ReconcileTotals; nextOffset: number | null }>;
  settleGoneUsers(step: {
    runId: string;
    mostDeletions: number;
    incomplete: boolean;
  }): Promise<Pick<ReconcileTotals, 'deleted' | 'withheld' | 'failed'>>;
  recordReconcileRun(record: object): Promise<unknown>;
}

const { planReconcile, sweepPage, deltaPage } = proxyActivities<EarlierActivities>(ASKING_CLERK);
const { settleGoneUsers, recordReconcileRun } = proxyActivities<EarlierActivities>(SHORT);

/** @returns of a result what there was then; nobody waits for it any more. */
export async function reconcileBeforeWindows(input: EarlierInput): Promise<ReconcileResult> {
  let state: EarlierState | null = input.carried ?? null;
  try {
    if (state === null) {
      const { carried: _, ...asked } = input;
      const plan = await planReconcile(asked);
      state = {
        plan,
        startedAtMs: Date.now(),
        totals: noTotals(),
        place: null,
        offset: 0,
        incomplete: false,
      };
      state.totals.clerkRequests += plan.clerkRequests;
      await record(state, 'running');
    }
    for (let pages = 0; await hasMore(state); pages++) {
      if (pages + 1 >= PAGES_PER_RUN || workflowInfo().continueAsNewSuggested) {
        await continueAsNew<typeof reconcileUsers>({ ...input, carried: state } as EarlierInput);
      }
    }
    if (state.plan.kind === 'sweep') await settle(state);
    await record(state, 'completed');
    return { kind: state.plan.kind, ...state.totals } as ReconcileResult;
  } catch (error) {
    const stopped = state;
    if (stopped && isCancellation(error))
      await CancellationScope.nonCancellable(() => record(stopped, 'cancelled'));
    throw error;
  }
}

async function hasMore(state: EarlierState): Promise<boolean> {
  setCurrentDetails(`**${state.plan.kind}**, begun by an earlier version`);
  if (state.plan.kind === 'delta') {
    const { totals, nextOffset } = await deltaPage({ offset: state.offset, sinceMs: state.plan.sinceMs });
    state.totals = addTotals(state.totals, totals);
    state.offset = nextOffset ?? state.offset;
    return nextOffset !== null;
  }
  const { totals, next, incomplete } = await sweepPage({ after: state.place, runId: runId() });
  state.totals = addTotals(state.totals, totals);
  state.place = next;
  state.incomplete ||= incomplete;
  return next !== null;
}

async function settle({ plan, totals, incomplete }: EarlierState): Promise<void> {
  const { mostDeletions, surplus } = plan;
  const settled = await settleGoneUsers({
    runId: runId(),
    mostDeletions,
    incomplete: incomplete || surplus > mostDeletions,
  });
  totals.deleted += settled.deleted;
  totals.withheld += settled.withheld;
  totals.failed += settled.failed;
}

function runId(): string {
  const { workflowId, firstExecutionRunId } = workflowInfo();
  return `${workflowId}/${firstExecutionRunId}`;
}

async function record(state: EarlierState, status: 'running' | 'completed' | 'cancelled'): Promise<void> {
  const { plan, startedAtMs, totals } = state;
  await recordReconcileRun({ id: runId(), kind: plan.kind, status, startedAtMs, totals });
}
