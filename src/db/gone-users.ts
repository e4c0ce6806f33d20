import type { Database } from './database.js';
import { postgresFailure } from './postgres-failure.js';

/** A user that Clerk, asked by id, no longer has. */
export interface GoneUserRecord {
  clerkUserId: string;
  /** When the request started that did not show the user, Unix milliseconds. */
  observedAtMs: number;
}

/** Notes users as gone; nothing is deleted yet. Safe to repeat. */
export async function recordGoneUsers(
  db: Database,
  runId: string,
  gone: readonly GoneUserRecord[],
): Promise<void> {
  if (gone.length === 0) return;
  try {
    await db.$executeRaw`
      INSERT INTO gone_users (clerk_id, run_id, observed_at)
      SELECT clerk_id, ${runId}, observed_at
      FROM unnest(${gone.map((user) => user.clerkUserId)}::text[], ${gone.map((user) => new Date(user.observedAtMs))}::timestamptz[])
        AS found (clerk_id, observed_at)
      ON CONFLICT (run_id, clerk_id) DO UPDATE SET observed_at = excluded.observed_at`;
  } catch (error) {
    throw postgresFailure(error, 'Recording users that are gone.');
  }
}

/** @returns whom a run found gone, in the order of their ids. */
export async function listGoneUsers(db: Database, runId: string): Promise<GoneUserRecord[]> {
  try {
    const rows = await db.goneUser.findMany({ where: { runId }, orderBy: { clerkId: 'asc' } });
    return rows.map((row) => ({ clerkUserId: row.clerkId, observedAtMs: row.observedAt.getTime() }));
  } catch (error) {
    throw postgresFailure(error, 'Listing users that are gone.');
  }
}

/** Forgets whom this run found gone. */
export async function forgetGoneUsers(db: Database, runId: string): Promise<void> {
  try {
    await db.goneUser.deleteMany({ where: { runId } });
  } catch (error) {
    throw postgresFailure(error, 'Forgetting users that are gone.');
  }
}

/** Forgets whom earlier runs found gone; one that is still running keeps its own. */
export async function forgetEarlierGoneUsers(db: Database, runId: string): Promise<void> {
  try {
    await db.$executeRaw`
      DELETE FROM gone_users
      WHERE run_id <> ${runId}
        AND NOT EXISTS (SELECT FROM reconcile_runs WHERE id = gone_users.run_id AND status = 'running')`;
  } catch (error) {
    throw postgresFailure(error, 'Forgetting users that are gone.');
  }
}
