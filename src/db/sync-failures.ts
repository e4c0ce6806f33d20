import type { Database } from './database.js';
import { postgresFailure } from './postgres-failure.js';

export interface SyncFailureRecord {
  clerkUserId: string;
  code: string;
  /** Without personal data. */
  message: string;
  workflowId: string;
  runId: string;
}

/** Notes that a user's change waits for somebody; a repetition counts up. */
export async function recordSyncFailure(db: Database, record: SyncFailureRecord): Promise<void> {
  const { clerkUserId, ...details } = record;
  const lastFailedAt = new Date();
  try {
    await db.syncFailure.upsert({
      where: { clerkId: clerkUserId },
      create: { clerkId: clerkUserId, ...details, firstFailedAt: lastFailedAt, lastFailedAt },
      update: { ...details, lastFailedAt, failures: { increment: 1 }, resolvedAt: null },
    });
  } catch (error) {
    throw postgresFailure(error, 'Recording a failure.');
  }
}

/** Notes that a user's change went through after all; nothing happens when none had failed. */
export async function resolveSyncFailure(db: Database, clerkUserId: string): Promise<void> {
  try {
    await db.syncFailure.updateMany({
      where: { clerkId: clerkUserId, resolvedAt: null },
      data: { resolvedAt: new Date() },
    });
  } catch (error) {
    throw postgresFailure(error, 'Resolving a failure.');
  }
}
