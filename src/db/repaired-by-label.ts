import type { DriftLabel } from '../drift.js';
import type { ReconcileTotals } from '../reconcile-totals.js';

/** What a reconcile repaired, in the words for drift: a deleted row that came back had been missing as well. */
export function repairedByLabel(
  run: Pick<ReconcileTotals, 'created' | 'updated' | 'restored' | 'deleted' | 'phantoms'>,
): Record<DriftLabel, number> {
  return {
    missed_create: run.created + run.restored,
    missed_update: run.updated,
    missed_delete: run.deleted - run.phantoms,
    phantom: run.phantoms,
  };
}
