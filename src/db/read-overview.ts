import { type Database, query } from './database.js';
import { Prisma } from './generated/client.js';
import { latestCompletedRun } from './latest-completed-run.js';
import { postgresFailure } from './postgres-failure.js';

export interface Overview {
  liveUsers: number;
  /** Median time from an event's timestamp to its row, of the last 50 changes that webhooks brought; null without any. */
  webhookLagMs: number | null;
  /** The latest reconcile that was completed; null before the first. */
  lastReconcile: {
    kind: string;
    /** How long it has been completed, by Postgres' clock. */
    ageMs: number;
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
    const [[users], [lag], lastReconcile] = await Promise.all([
      query<{ live: number }>(
        db,
        Prisma.sql`SELECT count(*)::int AS live FROM users WHERE deleted_at IS NULL`,
      ),
      query<{ ms: number | null; now: Date }>(
        db,
        Prisma.sql`
        SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM changed_at - observed_at) * 1000)::float8 AS ms, now() AS now
        FROM (SELECT changed_at, observed_at FROM user_changes WHERE writer = 'webhook' ORDER BY id DESC LIMIT 50) AS latest`,
        { inOneRoundTrip: true },
      ),
      latestCompletedRun(db),
    ]);
    const finishedAt = lastReconcile?.finishedAt;
    // One that ended amid these queries is younger than nothing.
    const ageMs = lag && finishedAt ? Math.max(0, lag.now.getTime() - finishedAt.getTime()) : null;
    return {
      liveUsers: users?.live ?? 0,
      webhookLagMs: lag?.ms ?? null,
      lastReconcile: lastReconcile && ageMs !== null ? { ...lastReconcile, ageMs } : null,
    };
  } catch (error) {
    throw postgresFailure(error, 'Reading the overview.');
  }
}
