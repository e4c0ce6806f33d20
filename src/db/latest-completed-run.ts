import type { Database } from './database.js';
import type { ReconcileRun } from './generated/client.js';

/**
 * @param kind sweep or delta; without it either.
 * @returns the completed reconcile that was started last; null before the first.
 * @throws what Prisma throws, for the caller to name.
 */
export const latestCompletedRun = (db: Database, kind?: 'sweep' | 'delta'): Promise<ReconcileRun | null> =>
  db.reconcileRun.findFirst({
    where: { status: 'completed', ...(kind === undefined ? {} : { kind }) },
    orderBy: { startedAt: 'desc' },
  });
