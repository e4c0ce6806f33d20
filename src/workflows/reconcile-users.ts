import { CancellationScope, isCancellation } from '@temporalio/workflow';
import type { BegunDelta, BegunSweep } from '../activities/begin-reconcile.js';
import type { DeltaPage } from '../activities/delta-page.js';
import type { EndedReconcile, ReconcileEnd } from '../activities/end-reconcile.js';
import type { ReconcilePreparation } from '../activities/prepare-reconcile.js';
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
import { ClerkProblem, unlessClerkFails } from './unless-clerk-fails.js';

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

async function reconcile(run: ReconcileRun, input: ReconcileInput): Promise<ReconcileResult> {
  await run.untilResumed();
  const { begun, brief } = await begin(run, input);
  const plan = run.mode === 'plan';
  run.pageSize = begun.pageSize;
  let ended = begun.kind === 'delta' ? await readChanges(run, begun) : null;
  let planned: Planned = noPlanned();
  let gone: Drift[] = [];
  if (ended === null || ended.sweepIsDue) {
    run.kind = 'sweep';
    if (begun.kind === 'sweep') run.counted(begun.counts);
    else await recordRun(run, { status: 'running' });
    const swept = await sweepUsers(run, begun, { brief });
    planned = swept.planned;
    const isFinal = swept.problem !== undefined;
    if (isFinal) {
      run.addProblem(`The sweep ended before it had read Clerk's list: ${swept.problem}`);
      await readAllChanges(run, begun);
    }
    if (plan) gone = await planDeletions(run, swept);
    else await settleCandidates(run, swept, { ...begun, mostDeletions: input.mostDeletions });
    // A delta's end, if it came to that, only said that a sweep is due.
    ended = await end(run, { earlier: null, isFinal }, begun.kind === 'sweep' ? begun.ended : undefined);
  }
  await run.end();
  return reconcileResult(run, { planned, gone, webhooks: ended.webhooks });
}

/**
 * Begins with what was asked for. While a tick is open no other begins, so it does not wait for one of Clerk's lists as
 * long as there is another way: without the latest changes it sweeps.
 *
 * @returns also whether a sweep is to end where its list cannot be had, for the latest changes then to be read instead.
 */
async function begin(
  run: ReconcileRun,
  { kind, mostDeletions }: ReconcileInput,
): Promise<{ begun: BegunDelta | BegunSweep; brief: boolean }> {
  const { id, startedAtMs } = run;
  const plan = run.mode === 'plan';
  const beginning = { id, startedAtMs, plan, settle: mostDeletions !== undefined };
  const sweep = () => askingClerk.beginReconcile({ ...beginning, sweep: true });
  if (kind === 'sweep' || plan) return { begun: await sweep(), brief: false };
  const begun = await unlessClerkFails(
    (activities) => activities.beginReconcile({ ...beginning, sweep: false }),
    'patiently',
  );
  if (!(begun instanceof ClerkProblem)) {
    // Before the first sweep there is no time from which on changes are to be read.
    return { begun, brief: begun.earlier?.lastSweep != null };
  }
  run.addProblem(unread(begun));
  return { begun: await sweep(), brief: false };
}

/** Reads the rest of what changed lately. @returns null where a sweep is no dearer, or has to do instead. */
async function readChanges(run: ReconcileRun, begun: BegunDelta): Promise<EndedReconcile | null> {
  const { sinceMs, earlier } = begun;
  run.startReading('delta');
  let { page } = begun;
  for (let pages = 1; ; pages++) {
    run.add(page.totals);
    if (page.nextOffset === null) return end(run, { earlier }, begun.ended);
    if (pages === MOST_DELTA_PAGES) break;
    await run.untilResumed();
    const place = { offset: page.nextOffset, sinceMs };
    const next = await unlessClerkFails((activities) => activities.deltaPage(place), 'patiently');
    if (next instanceof ClerkProblem) {
      run.addProblem(unread(next));
      break;
    }
    page = next;
  }
  run.counted(await askingClerk.compareCounts(null));
  return null;
}

const unread = ({ message }: ClerkProblem): string =>
  `What changed lately could not be read, so everything was compared: ${message}`;

/** Reads what changed lately in place of a sweep, even where that is much. What it leaves unread the next reconcile reads. */
async function readAllChanges(
  run: ReconcileRun,
  { sinceMs, earlier, pagesPerRun }: ReconcilePreparation,
): Promise<void> {
  run.startReading('delta');
  let offset = 0;
  for (let pages = 0; pages < pagesPerRun; pages++) {
    await run.untilResumed();
    const { totals, nextOffset }: DeltaPage = await askingClerk.deltaPage({ offset, sinceMs });
    run.add(totals);
    if (nextOffset === null) return;
    offset = nextOffset;
  }
  run.changesKnownUpToMs = earlier?.startedAtMs ?? 0;
  run.addProblem(
    `More had changed lately than the ${pagesPerRun} pages that were read instead; the next reconcile begins where this one did.`,
  );
}

/**
 * Counts both sides, and records the run as completed, unless it was a delta and the counts ask for a sweep.
 *
 * @param known what the first task's end came to, if it came to it.
 */
async function end(
  run: ReconcileRun,
  how: Pick<ReconcileEnd, 'earlier' | 'isFinal'>,
  known?: EndedReconcile,
): Promise<EndedReconcile> {
  const plan = run.mode === 'plan';
  const ended = known ?? (await askingClerk.endReconcile({ run: run.record(), plan, ...how }));
  run.counted(ended.counts);
  return ended;
}
