import type { Database } from './database.js';
import { Prisma } from './generated/client.js';
import { runStatement } from './run-statement.js';
import { FOREIGN_ROWS, KEPT_ROWS } from './waiting-deletions.js';

/** Live rows without a user in Clerk that no sweep deletes. Each number is left out where there are none. */
export interface StayingRows {
  /** How many an operator keeps, though Clerk does not have their users. */
  keptRows?: number;
  /** How many have an id that is none of Clerk's, so that Clerk cannot be asked about them. */
  foreignRows?: number;
}

/**
 * @returns how many rows stay, though a sweep did not find them in Clerk's list.
 * @throws POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 */
export async function countStayingRows(db: Database): Promise<StayingRows> {
  const [row] = await runStatement<{ kept: number; foreign: number }>(
    db,
    'Counting rows that stay.',
    Prisma.sql`SELECT (${KEPT_ROWS}) AS kept, (${FOREIGN_ROWS}) AS "foreign"`,
    { inOneRoundTrip: true },
  );
  const { kept = 0, foreign = 0 } = row ?? {};
  return { ...(kept > 0 && { keptRows: kept }), ...(foreign > 0 && { foreignRows: foreign }) };
}
