import { CancellationScope, isCancellation } from '@temporalio/workflow';
import type { BegunDelta } from '../activities/begin-reconcile.js';
import type { EndedReconcile, ReconcileEnd } from '../activities/end-reconcile.js';
import type { Drift } from '../drift.js';
import { noPlanned, type Planned } from '../planned.js';
import { checkReconcileInput } from './check-reconcile-input.js';
import { askingClerk } from './reconcile-activities.js';
import type { ReconcileInput, ReconcileResult } from './reconcile-messages.js';
import { reconcileResult } from './reconcile-result.js';
import { ReconcileRun } from './reconcile-run.js';
import { recordRun } from './record-run.js';
import { planDeletions, settleCandidates } from './settle-candidates.js';
import { sweepUsers } from './sweep-users.js';

/** A delta that has read so much finds a sweep no dearer. */
const MOST_DELTA_PAGES = 20;

/**
 * Compares Clerk's users with the table and repairs the differences, or with the mode `plan` only tells them. Only cursors
 * and counts pass through here; the users themselves stay in the activities. After a crash it resumes at its page.
 */
export async function reconcileUsers(input: ReconcileInput): Promise<ReconcileResult> {
  checkReconcileInput(input);
  const run = new ReconcileRun(input.mode ?? 'apply');
  try {
    return await reconcile(run, input);
  } catch (error) {
    const status = isCancellation(error) ? 'cancelled' : 'failed';
    // The first activity sees the cancellation at its next heartbeat; until then it may still record the run as running or completed.
    const kind = run.kind ?? (input.kind === 'sweep' ? 'sweep' : 'delta');
    await CancellationScope.nonCancellable(() => recordRun(run, { status, kind }));
    throw error;
  }
}

async function reconcile(
  run: ReconcileRun,
  { kind, mostDeletions }: ReconcileInput,
): Promise<ReconcileResult> {
  const plan = run.mode === 'plan';
  const { id, startedAtMs } = run;
  await run.untilResumed();
  const begun = await askingClerk.beginReconcile({
    id,
    startedAtMs,
    plan,
    sweep: kind === 'sweep' || plan,
  });
  run.pageSize = begun.pageSize;
  let ended = begun.kind === 'delta' ? await readChanges(run, begun) : null;
  let planned: Planned = noPlanned();
  let gone: Drift[] = [];
  if (ended === null || ended.sweepIsDue) {
    run.kind = 'sweep';
    if (begun.kind === 'sweep') run.counted(begun.counts);
    else await recordRun(run, { status: 'running' });
    const swept = await sweepUsers(run, begun);
    planned = swept.planned;
    if (plan) gone = await planDeletions(run, swept);
    else await settleCandidates(run, swept, { ...begun, mostDeletions });
    // A delta's end, if it came to that, only said that a sweep is due.
    ended = await end(run, null, begun.kind === 'sweep' ? begun.ended : undefined);
  }
  await run.end();
  return reconcileResult(run, { planned, gone, webhooks: ended.webhooks });
}

/** Reads the rest of what changed lately. @returns null after so much of it that a sweep is no dearer. */
async function readChanges(run: ReconcileRun, begun: BegunDelta): Promise<EndedReconcile | null> {
  const { sinceMs, earlier } = begun;
  run.startReading('delta');
  let { page } = begun;
  for (let pages = 1; ; pages++) {
    run.add(page.totals);
    if (page.nextOffset === null) return end(run, earlier, begun.ended);
    if (pages === MOST_DELTA_PAGES) {
      run.counted(await askingClerk.compareCounts(null));
      return null;
    }
    await run.untilResumed();
    page = await askingClerk.deltaPage({ offset: page.nextOffset, sinceMs });
  }
}

/**
 * Counts both sides, and records the run as completed, unless it was a delta and the counts ask for a sweep.
 *
 * @param known what the first task's end came to, if it came to it.
 */
async function end(
  run: ReconcileRun,
  earlier: ReconcileEnd['earlier'],
  known?: EndedReconcile,
): Promise<EndedReconcile> {
  const plan = run.mode === 'plan';
  const ended = known ?? (await askingClerk.endReconcile({ run: run.record(), plan, earlier }));
  run.counted(ended.counts);
  return ended;
}
