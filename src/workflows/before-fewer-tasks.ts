import { patched } from '@temporalio/workflow';
import type { ReconcilePreparation } from '../activities/prepare-reconcile.js';
import type { Drift } from '../drift.js';
import { noPlanned, type Planned } from '../planned.js';
import { sweepIsDue } from '../sweep-is-due.js';
import { askingClerk, inPostgres } from './reconcile-activities.js';
import type { ReconcileInput, ReconcileResult } from './reconcile-messages.js';
import { reconcileResult } from './reconcile-result.js';
import type { ReconcileRun } from './reconcile-run.js';
import { recordRun } from './record-run.js';
import { planDeletions, settleCandidates } from './settle-candidates.js';
import { sweepUsers } from './sweep-users.js';

/*
 * A reconcile as it was when preparing, counting and recording were tasks of their own, and, before `windows-at-once`,
 * windows began one after the other. Runs begun then are replayed with this code until they end; no run begins with it.
 * To be removed, with its activities and its recorded histories, in the version after the first release.
 */

const MOST_DELTA_PAGES = 20;

export async function reconcileInMoreTasks(
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
    await recordRun(run, { status: 'running' });
    const swept = await sweepUsers(run, preparation, beginAll);
    planned = swept.planned;
    if (run.mode === 'plan') gone = await planDeletions(run, swept);
    else await settleCandidates(run, swept, { mostDeletions, ...preparation });
    await count(run);
  }
  const { webhooks } = await recordRun(run, { status: 'completed', ...run.counts });
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

async function count(run: ReconcileRun, earlier: ReconcilePreparation['earlier'] = null): Promise<void> {
  const known = earlier && { startedAtMs: earlier.startedAtMs, liveRows: earlier.liveRows };
  run.counted(await askingClerk.compareCounts(known));
}

async function beginAll<Begun>(beginnings: readonly (() => Promise<Begun>)[]): Promise<Begun[]> {
  if (patched('windows-at-once')) return Promise.all(beginnings.map((begin) => begin()));
  const begun: Begun[] = [];
  for (const begin of beginnings) begun.push(await begin());
  return begun;
}
