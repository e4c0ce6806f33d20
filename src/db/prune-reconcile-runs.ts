import type { Database } from './database.js';
import { Prisma } from './generated/client.js';
import { runStatement } from './run-statement.js';

/** Deltas come every few seconds; those that found nothing are of no interest the next day. */
const KEPT = { idleDelta: '1 day', any: '90 days' } as const;

/**
 * Forgets old reconciles, so that their table stays small.
 *
 * @throws POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 */
export async function pruneReconcileRuns(db: Database): Promise<void> {
  await runStatement(
    db,
    'Forgetting old reconciles.',
    Prisma.sql`
      DELETE FROM reconcile_runs
      WHERE started_at < now() - ${KEPT.any}::interval
        OR (started_at < now() - ${KEPT.idleDelta}::interval AND kind = 'delta' AND status = 'completed'
            AND created + updated + restored + deleted + failed = 0)`,
    { inOneRoundTrip: true },
  );
}
