/** What a reconcile found different, and what that says about how it came to be. Pure; workflows load it. */
import type { ReconcileTotals } from './reconcile-totals.js';

/**
 * `missed_create`: Clerk has the user, the table had no live row. `missed_update`: the row's content was not Clerk's.
 * `missed_delete`: the row was live, Clerk no longer has the user. `phantom`: the row was live, and Clerk never had the
 * user, as with the dashboard's "Send Example".
 */
export type DriftLabel = 'missed_create' | 'missed_update' | 'missed_delete' | 'phantom';

/** One difference between Clerk and the table; no values, which may be personal. */
export interface Drift {
  clerkUserId: string;
  label: DriftLabel;
  /** Columns by their Prisma names, other fields by Clerk's; empty unless the label is `missed_update`. */
  fields: string[];
  /** Since when the row had differed, at the latest; Unix milliseconds. null where nothing tells. */
  sinceMs: number | null;
}

/** What a reconcile repaired, in these words. A deleted row that came back had been missing as well. */
export function driftByLabel(
  totals: Pick<ReconcileTotals, 'created' | 'updated' | 'restored' | 'deleted' | 'phantoms'>,
): Record<DriftLabel, number> {
  return {
    missed_create: totals.created + totals.restored,
    missed_update: totals.updated,
    missed_delete: totals.deleted - totals.phantoms,
    phantom: totals.phantoms,
  };
}

/**
 * What the repairs of the last minutes say about webhooks. `silent`: changes happened and none came by webhook.
 * `lossy`: many had to be repaired although webhooks come. `ok`: neither.
 */
export type WebhookVerdict = 'ok' | 'lossy' | 'silent';
