import { Prisma } from './generated/client.js';

/** A time of Temporal's clock, which also timed something that was before now. */
export interface TemporalTime {
  ms: number;
  /** When Temporal scheduled what runs now; without it, the two clocks are taken for one. */
  scheduledMs?: number | undefined;
}

/**
 * Workflows are timed by Temporal's clock, rows by Postgres'. Nothing runs before it was scheduled, so a schedule in the
 * future shows by how much Temporal's clock is ahead at least. One that is behind makes a run look older, which only
 * makes the next one read more.
 *
 * @returns SQL of that time by Postgres' clock, never in the future.
 */
export const byPostgresClock = ({ ms, scheduledMs = 0 }: TemporalTime): Prisma.Sql => Prisma.sql`
  least(now(), ${new Date(ms).toISOString()}::timestamptz
    - greatest(interval '0', ${new Date(scheduledMs).toISOString()}::timestamptz - now()))`;
