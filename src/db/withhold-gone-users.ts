import type { Database } from './database.js';
import { DUE } from './deletion-candidates.js';
import { Prisma } from './generated/client.js';
import { runStatement } from './run-statement.js';

/**
 * Notes of the rows that could be deleted that they wait for an operator, and how many could go without one. As long as
 * one of them waits, no more than that go without an operator: the passing of time alone decides nothing.
 */
export async function withholdGoneUsers(
  db: Database,
  { foundUpToMs, withheldOver }: { foundUpToMs: number; withheldOver: number },
): Promise<void> {
  await runStatement(
    db,
    'Withholding deletions.',
    Prisma.sql`
      UPDATE deletion_candidates SET withheld_over = least(withheld_over, ${withheldOver}::int)
      WHERE clerk_id IN (SELECT clerk_id ${DUE({ foundUpToMs, withKept: false })})
        AND withheld_over IS DISTINCT FROM least(withheld_over, ${withheldOver}::int)`,
  );
}
