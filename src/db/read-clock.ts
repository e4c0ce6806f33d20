import { type Database, query } from './database.js';
import { Prisma } from './generated/client.js';
import { postgresFailure } from './postgres-failure.js';

export interface PostgresClock {
  /** Unix milliseconds, by Postgres' clock. */
  nowMs: number;
  /** How far this process' clock is ahead of it, negative if behind; as exact as half the answer's time. */
  aheadMs: number;
}

/**
 * Reads the clock by which rows are timed: ages are judged by it, and never by a process' own.
 *
 * @throws POSTGRES_UNAVAILABLE (retried).
 */
export async function readClock(db: Database): Promise<PostgresClock> {
  try {
    const beforeMs = Date.now();
    const [row] = await query<{ nowMs: number }>(
      db,
      Prisma.sql`SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS "nowMs"`,
      { inOneRoundTrip: true },
    );
    if (row === undefined) throw new Error('No row.');
    const nowMs = Math.round(row.nowMs);
    return { nowMs, aheadMs: (beforeMs + Date.now()) / 2 - nowMs };
  } catch (error) {
    throw postgresFailure(error, "Reading Postgres' clock.");
  }
}
