import { type Database, query } from './database.js';
import { Prisma } from './generated/client.js';
import { postgresFailure } from './postgres-failure.js';

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
  const { clerkUserId, workflowId, runId, parked, ...problem } = record;
  const lastFailedAt = new Date();
  try {
    await db.syncFailure.upsert({
      where: { clerkId: clerkUserId },
      create: {
        clerkId: clerkUserId,
        ...problem,
        workflowId,
        runId,
        firstFailedAt: lastFailedAt,
        lastFailedAt,
      },
      update: {
        ...problem,
        ...(parked ? { workflowId, runId } : {}),
        lastFailedAt,
        failures: { increment: 1 },
        resolvedAt: null,
      },
    });
  } catch (error) {
    throw postgresFailure(error, 'Recording a failure.');
  }
}

/** Notes that users' changes went through after all; nothing happens for those that had not failed. */
export async function resolveSyncFailures(db: Database, clerkUserIds: readonly string[]): Promise<void> {
  if (clerkUserIds.length === 0) return;
  try {
    // One parameter however many users: as a list of parameters, a page of them would cost more than the rest.
    await query(
      db,
      Prisma.sql`
      UPDATE sync_failures SET resolved_at = now()
      WHERE resolved_at IS NULL AND clerk_id = ANY (${clerkUserIds}::text[])`,
    );
  } catch (error) {
    throw postgresFailure(error, 'Resolving a failure.');
  }
}
