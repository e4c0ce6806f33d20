import type { Database } from './database.js';
import { Prisma } from './generated/client.js';
import { runStatement } from './run-statement.js';

/** Ticks come every few seconds; those that repaired nothing are of no interest the next day. */
const KEPT = { idle: '1 day', any: '90 days' } as const;

/**
 * Forgets old reconciles, so that their table stays small. Of the idle sweeps the first of each day stays, by which it is
 * known whether a user was there before; and the last sweep stays, however old it is, for every reconcile begins with it.
 *
 * @throws POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 */
export async function pruneReconcileRuns(db: Database): Promise<void> {
  await runStatement(
    db,
    'Forgetting old reconciles.',
    Prisma.sql`
      DELETE FROM reconcile_runs AS run
      WHERE (
        started_at < now() - ${KEPT.any}::interval
        OR (started_at < now() - ${KEPT.idle}::interval AND status = 'completed'
            AND created + updated + restored + deleted = 0
            AND (kind = 'delta' OR EXISTS (
              SELECT FROM reconcile_runs AS first
              WHERE first.started_at >= date_trunc('day', run.started_at, 'UTC') AND first.started_at < run.started_at
                AND first.kind = 'sweep' AND first.status = 'completed'
            )))
      ) AND started_at < (SELECT max(started_at) FROM reconcile_runs WHERE kind = 'sweep' AND status = 'completed')`,
    { inOneRoundTrip: true },
  );
}
