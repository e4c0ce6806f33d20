import type { ReconcileRunRecord } from '../activities/record-reconcile-run.js';
import { inPostgres } from './reconcile-activities.js';
import type { ReconcileRun } from './reconcile-run.js';

/** Writes where a run stands; a plan leaves no trace. */
export async function recordRun(
  run: ReconcileRun,
  data: Pick<ReconcileRunRecord, 'status'> & Partial<ReconcileRunRecord>,
): ReturnType<typeof inPostgres.recordReconcileRun> {
  if (run.mode === 'plan') return {};
  return inPostgres.recordReconcileRun({ ...run.record(), ...data });
}
