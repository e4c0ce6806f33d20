import type { WebhookVerdict } from '../drift.js';
import { type Database, query } from './database.js';
import { Prisma } from './generated/client.js';
import { postgresFailure } from './postgres-failure.js';

/** Long enough that a quiet application shows a few changes, short enough that a cured endpoint is soon called so. */
const WINDOW_MS = 15 * 60_000;
/** What had differed for longer says nothing about webhooks now: an outage's rest, say, that a sweep comes upon. */
const FRESH_MS = 60 * 60_000;
/** A reconcile that looks just before a webhook comes repairs what was not lost, and that webhook then finds nothing to do. */
const UNDER_WAY_MS = 5_000;
/** One or two lost deliveries happen to everybody; three of three do not. */
const SILENT_FROM = 3;
/** Below this, chance alone passes any share. */
const LOSSY_FROM = 5;
/**
 * Of the changes that either brought. A webhook that takes longer than usual now and then is no loss.
 */
const LOSSY_SHARE = 0.2;

export interface WebhookJudgement {
  verdict: WebhookVerdict;
  /** Changes of the last 15 minutes that a reconcile had to bring, though Clerk had made them lately. */
  repaired: number;
  /** Changes of the last 15 minutes that webhooks brought. */
  delivered: number;
}

/**
 * Judges whether webhooks arrive, by the log of changes alone: whatever is wrong with an endpoint, its secret or the
 * starter, it shows here. The first sweep fills the table and counts for nothing; neither do rows that Clerk never had.
 *
 * @param nowMs Unix milliseconds; by default now, by Postgres' clock, which times the log.
 * @returns `silent` when at least 3 changes had to be repaired and none was delivered; `lossy` when at least 5 had to be
 *   repaired and they are more than a fifth of both; else `ok`.
 * @throws POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 */
export async function judgeWebhooks(db: Database, nowMs?: number): Promise<WebhookJudgement> {
  try {
    const [counts] = await query<{ repaired: number; delivered: number }>(db, statement(nowMs));
    const { repaired, delivered } = counts ?? { repaired: 0, delivered: 0 };
    return { verdict: verdictOf(repaired, delivered), repaired, delivered };
  } catch (error) {
    throw postgresFailure(error, 'Judging webhooks.');
  }
}

function verdictOf(repaired: number, delivered: number): WebhookVerdict {
  if (repaired >= SILENT_FROM && delivered === 0) return 'silent';
  if (repaired >= LOSSY_FROM && repaired > LOSSY_SHARE * (repaired + delivered)) return 'lossy';
  return 'ok';
}

/** The first sweep is found by its start, which has an index: runs are many, and the first ones are sweeps. */
function statement(nowMs: number | undefined): Prisma.Sql {
  const now = nowMs === undefined ? Prisma.sql`now()` : Prisma.sql`${new Date(nowMs)}::timestamptz`;
  return Prisma.sql`
WITH filled AS MATERIALIZED (
  SELECT finished_at FROM reconcile_runs
  WHERE kind = 'sweep' AND status = 'completed' ORDER BY started_at LIMIT 1
)
SELECT
  count(*) FILTER (
    WHERE writer = 'reconcile' AND drift <> 'phantom'
      AND drift_since > changed_at - make_interval(secs => ${FRESH_MS / 1000})
      AND drift_since < changed_at - make_interval(secs => ${UNDER_WAY_MS / 1000})
      AND EXISTS (SELECT FROM filled)
  )::int AS repaired,
  count(*) FILTER (WHERE writer = 'webhook')::int AS delivered
FROM user_changes
WHERE changed_at > greatest(${now} - make_interval(secs => ${WINDOW_MS / 1000}), coalesce((SELECT finished_at FROM filled), '-infinity'))`;
}
