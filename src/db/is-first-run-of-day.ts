import type { Database } from './database.js';
import { Prisma } from './generated/client.js';
import { runStatement } from './run-statement.js';

/**
 * @returns whether no reconcile that was started today (UTC), by the database's clock, is completed yet.
 * @throws POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 */
export async function isFirstRunOfDay(db: Database): Promise<boolean> {
  const [row] = await runStatement<{ first: boolean }>(
    db,
    'Looking for reconciles of today.',
    Prisma.sql`SELECT NOT EXISTS (
      SELECT FROM reconcile_runs WHERE status = 'completed' AND started_at >= date_trunc('day', now(), 'UTC')
    ) AS first`,
  );
  return row?.first ?? false;
}
