import type { Database } from './database.js';
import { Prisma } from './generated/client.js';
import { runStatement } from './run-statement.js';

/**
 * Notes of rows that they no longer wait for an operator, for one has decided that they go. Those that Postgres refuses
 * to delete would otherwise be asked about again, and hold the day's limit where it was when they were withheld.
 */
export async function endWithholding(db: Database, clerkUserIds: readonly string[]): Promise<void> {
  await runStatement(
    db,
    'Ending the withholding of deletions.',
    Prisma.sql`
      UPDATE deletion_candidates SET withheld_over = NULL
      WHERE clerk_id = ANY (${clerkUserIds}::text[]) AND withheld_over IS NOT NULL`,
  );
}
