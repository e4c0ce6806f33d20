import type { Database } from './database.js';
import { latestCompletedRun } from './latest-completed-run.js';
import { postgresFailure } from './postgres-failure.js';

export interface Overview {
  liveUsers: number;
  /** Median time from an event's timestamp to its row, of the last 50 changes that webhooks brought; null without any. */
  webhookLagMs: number | null;
  /** The latest reconcile that was completed; null before the first. */
  lastReconcile: {
    kind: string;
    finishedAt: Date;
    seen: number;
    created: number;
    updated: number;
    deleted: number;
    restored: number;
  } | null;
}

/**
 * @returns what an onlooker wants to know, from three small queries.
 * @throws POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 */
export async function readOverview(db: Database): Promise<Overview> {
  try {
    const [liveUsers, [lag], lastReconcile] = await Promise.all([
      db.user.count({ where: { deletedAt: null } }),
      db.$queryRaw<{ ms: number | null }[]>`
        SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM changed_at - observed_at) * 1000)::float8 AS ms
        FROM (SELECT changed_at, observed_at FROM user_changes WHERE writer = 'webhook' ORDER BY id DESC LIMIT 50) AS latest`,
      latestCompletedRun(db),
    ]);
    const finishedAt = lastReconcile?.finishedAt;
    return {
      liveUsers,
      webhookLagMs: lag?.ms ?? null,
      lastReconcile: lastReconcile && finishedAt ? { ...lastReconcile, finishedAt } : null,
    };
  } catch (error) {
    throw postgresFailure(error, 'Reading the overview.');
  }
}
