import type { Database } from './database.js';
import { Prisma } from './generated/client.js';
import { runStatement } from './run-statement.js';
import { KEPT_ROWS } from './waiting-deletions.js';

/** @returns how many rows an operator keeps whose users Clerk does not have. */
export async function countKeptRows(db: Database): Promise<number> {
  const [row] = await runStatement<{ kept: number }>(
    db,
    'Counting rows that are kept.',
    Prisma.sql`SELECT (${KEPT_ROWS}) AS kept`,
    { inOneRoundTrip: true },
  );
  return row?.kept ?? 0;
}
