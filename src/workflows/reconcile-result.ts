import { type Drift, driftByLabel, type WebhookVerdict } from '../drift.js';
import { MOST_EXAMPLES, type Planned } from '../planned.js';
import type { ReconcileResult } from './reconcile-messages.js';
import type { ReconcileRun } from './reconcile-run.js';

/** Puts together what a reconcile ends with. */
export function reconcileResult(
  run: ReconcileRun,
  found: { planned: Planned; gone: readonly Drift[]; webhooks: WebhookVerdict | undefined },
): ReconcileResult {
  const { mode, totals, windows, problems } = run;
  const { uncounted: _, ...counts } = run.counts;
  const kind = run.kind ?? 'delta';
  const drift = driftByLabel(totals);
  const { fields, examples } = found.planned;
  return {
    kind,
    mode,
    summary: summaryOf(run, drift),
    problems: [...problems],
    drift,
    ...totals,
    windows,
    ...counts,
    ...(found.webhooks === undefined ? {} : { webhooks: found.webhooks }),
    ...(mode === 'plan' ? { fields, examples: [...examples, ...found.gone].slice(0, MOST_EXAMPLES) } : {}),
  };
}

function summaryOf(
  { mode, kind, totals, notes, problems }: ReconcileRun,
  drift: ReconcileResult['drift'],
): string {
  const found = Object.entries(drift)
    .filter(([, count]) => count > 0)
    .map(([label, count]) => `${count} ${label}`);
  const what = mode === 'plan' ? 'to repair' : 'repaired';
  const sentences = [
    `${kind === 'sweep' ? 'Sweep' : 'Delta'} of ${totals.seen} users: ${found.length === 0 ? 'no difference' : `${found.join(', ')} ${what}`}; ${totals.clerkRequests} requests to Clerk.`,
    ...(totals.failed > 0 ? [`${totals.failed} could not be written, see sync_failures.`] : []),
    ...problems,
    ...notes.map((note) => note.replaceAll('**', '').replaceAll('`', '')),
  ];
  return sentences.join(' ');
}
