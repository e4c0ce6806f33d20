import type { WebhookVerdict } from '../drift.js';
import { addTotals, noTotals, type ReconcileTotals } from '../reconcile-totals.js';
import { type Database, query } from './database.js';
import { Prisma, type ReconcileRun } from './generated/client.js';
import { RUN_COLUMNS } from './latest-completed-run.js';
import { postgresFailure } from './postgres-failure.js';

/** What a completed reconcile has recorded. */
export interface EndedRun {
  kind: 'sweep' | 'delta';
  totals: ReconcileTotals;
  /** Counted at the end. */
  clerkUsers: number | null;
  liveRows: number;
  webhooks: WebhookVerdict | null;
}

/**
 * @param id as in `recordReconcileRun`.
 * @returns null unless that reconcile is completed.
 * @throws POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 */
export async function readEndedRun(db: Database, id: string): Promise<EndedRun | null> {
  try {
    const [row] = await query<ReconcileRun>(
      db,
      Prisma.sql`SELECT ${RUN_COLUMNS} FROM reconcile_runs WHERE id = ${id} AND status = 'completed'`,
      { inOneRoundTrip: true },
    );
    if (row === undefined) return null;
    return {
      kind: row.kind === 'sweep' ? 'sweep' : 'delta',
      totals: addTotals(noTotals(), row),
      clerkUsers: row.clerkUsers,
      liveRows: row.liveRows ?? 0,
      webhooks: row.webhooks as WebhookVerdict | null,
    };
  } catch (error) {
    throw postgresFailure(error, 'Looking whether a reconcile has ended.');
  }
}
