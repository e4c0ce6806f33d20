import { CancellationScope, isCancellation, patched } from '@temporalio/workflow';
import type { ReconcilePreparation } from '../activities/prepare-reconcile.js';
import type { ReconcileRunRecord } from '../activities/record-reconcile-run.js';
import type { Drift } from '../drift.js';
import { noPlanned, type Planned } from '../planned.js';
import { reconcileBeforeWindows } from './before-windows.js';
import { checkReconcileInput } from './check-reconcile-input.js';
import { askingClerk, inPostgres } from './reconcile-activities.js';
import type { ReconcileInput, ReconcileResult } from './reconcile-messages.js';
import { reconcileResult } from './reconcile-result.js';
import { ReconcileRun } from './reconcile-run.js';
import { planDeletions, settleCandidates } from './settle-candidates.js';
import { sweepIsDue } from './sweep-is-due.js';
import { sweepUsers } from './sweep-users.js';

/** A delta that has read so much finds a sweep no dearer. */
const MOST_DELTA_PAGES = 20;

/**
 * Compares Clerk's users with the table and repairs the differences, or with the mode `plan` only tells them. Only cursors
 * and counts pass through here; the users themselves stay in the activities. After a crash it resumes at its page.
 */
export async function reconcileUsers(input: ReconcileInput): Promise<ReconcileResult> {
  if (!patched('windows')) return reconcileBeforeWindows(input);
  checkReconcileInput(input);
  const run = new ReconcileRun(input.mode ?? 'apply');
  try {
    return await reconcile(run, input);
  } catch (error) {
    const status = isCancellation(error) ? 'cancelled' : 'failed';
    if (run.kind !== null) await CancellationScope.nonCancellable(() => record(run, { status }));
    throw error;
  }
}

async function reconcile(
  run: ReconcileRun,
  { kind, mostDeletions }: ReconcileInput,
): Promise<ReconcileResult> {
  const preparation = await inPostgres.prepareReconcile({
    sweep: kind === 'sweep' || run.mode === 'plan',
  });
  run.pageSize = preparation.pageSize;
  let planned: Planned = noPlanned();
  let gone: Drift[] = [];
  if (preparation.kind === 'sweep' || (await deltaAsksForSweep(run, preparation))) {
    if (run.kind === null) await count(run);
    run.kind = 'sweep';
    await record(run, { status: 'running' });
    const swept = await sweepUsers(run, preparation);
    planned = swept.planned;
    if (run.mode === 'plan') gone = await planDeletions(run, swept);
    else await settleCandidates(run, swept, { mostDeletions, ...preparation });
    await count(run);
  }
  const { webhooks } = await record(run, { status: 'completed', ...run.counts });
  await run.end();
  return reconcileResult(run, { planned, gone, webhooks });
}

/** Reads what changed lately, then counts. @returns whether that is not enough. */
async function deltaAsksForSweep(run: ReconcileRun, preparation: ReconcilePreparation): Promise<boolean> {
  const { sinceMs, earlier } = preparation;
  run.startReading('delta');
  let pages = 0;
  for (let offset: number | null = 0; offset !== null && pages < MOST_DELTA_PAGES; pages++) {
    await run.untilResumed();
    const page: Awaited<ReturnType<typeof askingClerk.deltaPage>> = await askingClerk.deltaPage({
      offset,
      sinceMs,
    });
    run.add(page.totals);
    offset = page.nextOffset;
  }
  await count(run, earlier);
  return pages === MOST_DELTA_PAGES || sweepIsDue(earlier, run.counts, Date.now());
}

/** Counts on both sides; after the changes were read, so that a change in between does not look like a loss. */
async function count(run: ReconcileRun, earlier: ReconcilePreparation['earlier'] = null): Promise<void> {
  run.counts = await askingClerk.compareCounts(
    earlier && { startedAtMs: earlier.startedAtMs, liveRows: earlier.liveRows },
  );
  run.add({ clerkRequests: 1 });
}

/** A plan leaves no trace. */
async function record(
  run: ReconcileRun,
  data: Pick<ReconcileRunRecord, 'status'> & Partial<ReconcileRunRecord>,
): ReturnType<typeof inPostgres.recordReconcileRun> {
  if (run.mode === 'plan') return {};
  const { id, startedAtMs, totals, windows } = run;
  return inPostgres.recordReconcileRun({
    id,
    kind: run.kind ?? 'delta',
    startedAtMs,
    totals,
    windows,
    ...data,
  });
}
