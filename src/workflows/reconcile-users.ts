import {
  CancellationScope,
  continueAsNew,
  defineQuery,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import type { ReconcilePlan } from '../activities/plan-reconcile.js';
import type { SweepPlace } from '../activities/sweep-page.js';
import { RECONCILE_TASK_QUEUE, STATUS_QUERY } from '../names.js';
import { addTotals, noTotals, type ReconcileTotals } from '../reconcile-totals.js';

/** Continuing as new takes a second at least, so not at every page; a run of this many stays far below every limit. */
const PAGES_PER_RUN = 100;

/** `auto`: a sweep where one fits the tick's share of the rate budget, or when the counts disagree; else a delta. */
export type ReconcileKind = 'auto' | 'sweep';

export interface ReconcileInput {
  kind: ReconcileKind;
  /** An operator's word for how many rows may be deleted; by default 5 % of the table, and at least 10. */
  mostDeletions?: number;
  carried?: ReconcileState;
}

interface ReconcileState {
  plan: ReconcilePlan;
  startedAtMs: number;
  totals: ReconcileTotals;
  /** Where the sweep goes on; null at its beginning. */
  place: SweepPlace | null;
  /** Whether a page had more candidates for deletion than it asked about. */
  incomplete: boolean;
  /** Where a delta goes on, in users from the newest change. */
  offset: number;
}

export interface ReconcileResult extends ReconcileTotals {
  kind: 'sweep' | 'delta';
}

export const reconcileStatus = defineQuery<ReconcileResult | null>(STATUS_QUERY);

const retryPolicy = { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m' } as const;
/** Each of these asks Clerk, so they run on the queue whose rate is the share of Clerk's limit. */
const { planReconcile, sweepPage, deltaPage } = proxyActivities<Activities>({
  taskQueue: RECONCILE_TASK_QUEUE,
  startToCloseTimeout: '5m',
  heartbeatTimeout: '10s',
  retry: retryPolicy,
});
const { settleGoneUsers, recordReconcileRun } = proxyActivities<Activities>({
  startToCloseTimeout: '45s',
  heartbeatTimeout: '10s',
  retry: retryPolicy,
});

/**
 * Compares Clerk's users with the table and repairs the differences, page by page. Only cursors and counts pass through
 * here; the users themselves stay in the activities. After a crash it resumes at its page.
 */
export async function reconcileUsers(input: ReconcileInput): Promise<ReconcileResult> {
  let state: ReconcileState | null = input.carried ?? null;
  setHandler(reconcileStatus, () => (state ? { kind: state.plan.kind, ...state.totals } : null));
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
      report(state);
      if (pages + 1 >= PAGES_PER_RUN || workflowInfo().continueAsNewSuggested) {
        await continueAsNew<typeof reconcileUsers>({ ...input, carried: state });
      }
    }
    if (state.plan.kind === 'sweep') {
      await settle(state);
    }
    report(state);
    await record(state, 'completed');
    return { kind: state.plan.kind, ...state.totals };
  } catch (error) {
    const stopped = state;
    if (stopped && isCancellation(error))
      await CancellationScope.nonCancellable(() => record(stopped, 'cancelled'));
    throw error;
  }
}

/** Reads the next page and repairs it. @returns whether there is another. */
async function hasMore(state: ReconcileState): Promise<boolean> {
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

/** Deletes whom the sweep found gone, if that can be: more live rows than Clerk has users, by far, are a wrong key. */
async function settle({ plan, totals, incomplete }: ReconcileState): Promise<void> {
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

function report({ plan, totals }: ReconcileState): void {
  setCurrentDetails(
    `**${plan.kind}**: ${totals.seen} of ${plan.clerkUsers} users on ${totals.pages} pages; created ${totals.created}, updated ${totals.updated}, deleted ${totals.deleted}, restored ${totals.restored}, failed ${totals.failed}${withheld(totals)}`,
  );
}

const withheld = ({ withheld: rows }: ReconcileTotals): string =>
  rows === 0
    ? ''
    : `\n\n**${rows} deletions withheld**: more users are gone from Clerk than one run may delete. Check CLERK_SECRET_KEY.`;

/** One for the whole reconcile, however often it continues as new. */
function runId(): string {
  const { workflowId, firstExecutionRunId } = workflowInfo();
  return `${workflowId}/${firstExecutionRunId}`;
}

async function record(state: ReconcileState, status: 'running' | 'completed' | 'cancelled'): Promise<void> {
  const { plan, startedAtMs, totals } = state;
  await recordReconcileRun({
    id: runId(),
    kind: plan.kind,
    status,
    startedAtMs,
    totals,
  });
}
