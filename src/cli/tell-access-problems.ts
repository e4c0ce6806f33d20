import type { Database } from '../db/database.js';
import { findAccessProblems } from '../db/find-access-problems.js';
import { failureCode } from '../failures.js';
import type { Logger } from '../log.js';

/** Logs, soon after the start, what the database keeps this role from. It keeps nobody from starting. */
export async function tellAccessProblems(db: Database, log: Logger): Promise<void> {
  try {
    for (const problem of await findAccessProblems(db))
      log.error({ problem }, 'The role of DATABASE_URL cannot do all that a worker does');
  } catch (error) {
    const detail = error instanceof Error ? error.message : '';
    log.warn({ code: failureCode(error), detail }, 'The rights of the role could not be looked at');
  }
}
