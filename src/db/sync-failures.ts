import { byPostgresClock, type TemporalTime } from './by-postgres-clock.js';
import type { Database } from './database.js';
import { Prisma } from './generated/client.js';
import { runStatement } from './run-statement.js';

export interface SyncFailureRecord {
  clerkUserId: string;
  code: string;
  /** Without personal data. */
  message: string;
  workflowId: string;
  runId: string;
  /** Whether that workflow is parked and waits for `retry`. */
  parked: boolean;
}

/**
 * Notes that a user's change waits for somebody; a repetition counts up. The workflow named is the one that parked, if
 * any: there `retry` helps.
 */
export async function recordSyncFailure(db: Database, record: SyncFailureRecord): Promise<void> {
  const { clerkUserId, code, message, workflowId, runId, parked } = record;
  await runStatement(
    db,
    'Recording a failure.',
    Prisma.sql`
      INSERT INTO sync_failures (clerk_id, code, message, workflow_id, run_id, first_failed_at, last_failed_at)
      VALUES (${clerkUserId}, ${code}, ${message}, ${workflowId}, ${runId}, now(), now())
      ON CONFLICT (clerk_id) DO UPDATE SET code = excluded.code, message = excluded.message,
        ${parked ? Prisma.sql`workflow_id = excluded.workflow_id, run_id = excluded.run_id,` : Prisma.empty}
        failures = sync_failures.failures + 1, last_failed_at = now(), resolved_at = NULL`,
    { inOneRoundTrip: true },
  );
}

/** Whether a failure is of a user who still waits for an address: cured by that address alone, see give-back-emails.ts. */
const WAITS_FOR_EMAIL = Prisma.sql`(code = 'EMAIL_TAKEN' AND EXISTS (
  SELECT FROM users WHERE users.clerk_id = sync_failures.clerk_id AND email_withheld IS NOT NULL AND deleted_at IS NULL
))`;

/** Notes that a user's change went through after all; nothing happens where it had not failed. */
export async function resolveSyncFailure(db: Database, clerkUserId: string): Promise<void> {
  await runStatement(
    db,
    'Resolving a failure.',
    Prisma.sql`
      UPDATE sync_failures SET resolved_at = now()
      WHERE resolved_at IS NULL AND clerk_id = ${clerkUserId} AND NOT ${WAITS_FOR_EMAIL}`,
  );
}

/**
 * Notes what was cured without a write: an address was given back, or a sweep, which visits every user, did not meet
 * the failure of a mapping again.
 *
 * @param sweptFrom when the sweep began; null unless every user was visited.
 */
export async function resolveOutlivedFailures(db: Database, sweptFrom: TemporalTime | null): Promise<void> {
  await runStatement(
    db,
    'Resolving failures.',
    Prisma.sql`
      UPDATE sync_failures SET resolved_at = now()
      WHERE resolved_at IS NULL AND CASE code
        WHEN 'EMAIL_TAKEN' THEN NOT ${WAITS_FOR_EMAIL}
        WHEN 'MAPPING_FAILED' THEN last_failed_at < ${sweptFrom === null ? Prisma.sql`NULL` : byPostgresClock(sweptFrom)}
      END`,
  );
}
