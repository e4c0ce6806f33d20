import { type Database, query } from './database.js';
import { Prisma, type ReconcileRun } from './generated/client.js';
import { selectFields } from './model-columns.js';

/**
 * @param kind sweep or delta; without it either.
 * @returns the completed reconcile that was started last; null before the first.
 * @throws what `pg` throws, for the caller to name.
 */
export async function latestCompletedRun(
  db: Database,
  kind?: 'sweep' | 'delta',
): Promise<ReconcileRun | null> {
  const [run] = await query<ReconcileRun>(
    db,
    Prisma.sql`
      SELECT ${RUN_COLUMNS} FROM reconcile_runs
      WHERE status = 'completed' ${kind === undefined ? Prisma.empty : Prisma.sql`AND kind = ${kind}`}
      ORDER BY started_at DESC LIMIT 1`,
    { inOneRoundTrip: true },
  );
  return run ?? null;
}

/** The items of a SELECT that reads a whole run. */
export const RUN_COLUMNS = Prisma.raw(selectFields(Prisma.ReconcileRunScalarFieldEnum).join(', '));
