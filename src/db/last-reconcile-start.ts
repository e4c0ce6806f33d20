import type { Database } from './database.js';
import { postgresFailure } from './postgres-failure.js';

/**
 * @returns when the latest reconcile that was completed had started, Unix milliseconds: every change up to then is
 *   known; null before the first.
 * @throws POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 */
export async function lastReconcileStart(db: Database): Promise<number | null> {
  try {
    const run = await db.reconcileRun.findFirst({
      where: { status: 'completed' },
      orderBy: { startedAt: 'desc' },
      select: { startedAt: true },
    });
    return run?.startedAt.getTime() ?? null;
  } catch (error) {
    throw postgresFailure(error, 'Looking for the last reconcile.');
  }
}
