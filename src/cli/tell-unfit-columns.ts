import type { Database } from '../db/database.js';
import { findUnfitColumns } from '../db/unfit-columns.js';
import { failureCode } from '../failures.js';
import type { Logger } from '../log.js';
import type { MappedColumn } from '../user-change.js';

/**
 * Logs, soon after the start, which mapped columns the table lacks. It keeps nobody from starting: the migration may be
 * on its way, and Postgres may be down.
 */
export async function tellUnfitColumns(
  db: Database,
  mapped: readonly MappedColumn[],
  log: Logger,
): Promise<void> {
  try {
    const problems = await findUnfitColumns(db, mapped);
    for (const problem of problems)
      log.error({ code: 'SCHEMA_MISSING', problem }, 'A mapped column cannot be written');
  } catch (error) {
    const detail = error instanceof Error ? error.message : '';
    log.warn({ code: failureCode(error), detail }, 'The mapped columns could not be looked at');
  }
}
