import { cancellationSignal } from '@temporalio/activity';
import { type Erasure, eraseDeletedUsers, listTombstonesToErase } from '../db/erase-deleted-users.js';
import { failureCode } from '../failures.js';
import type { ActivityDependencies } from './dependencies.js';
import { writeRows } from './write-rows.js';

/** A removal keeps all writers waiting: this many take some hundredths of a second. */
const AT_ONCE = 500;
/** With the longest statement after it, the attempt still ends before Temporal gives it up. */
const LONGEST_MS = 15_000;

export interface ErasedStep {
  erased: number;
  /** Rows that Postgres refuses to change; each has a row in `sync_failures`. */
  refused: number;
  /** Whether time ran out before all were erased. */
  more: boolean;
}

/**
 * Erases the tombstones whose time has come: what a holdback, a crash, a refusal or another mode had left.
 *
 * @throws POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 * @remarks Safe to repeat, and to cancel: what is erased is erased.
 */
export async function eraseOverdue(deps: ActivityDependencies): Promise<ErasedStep> {
  const erasure = { ...deps.deletion, mapped: deps.mapping?.columns ?? [], most: AT_ONCE };
  const endMs = performance.now() + LONGEST_MS;
  const step: ErasedStep = { erased: 0, refused: 0, more: true };
  while (performance.now() < endMs) {
    cancellationSignal().throwIfAborted();
    const { erased, refused, found } = await eraseSome(deps, erasure);
    step.erased += erased;
    step.refused += refused;
    if (found < AT_ONCE) return { ...step, more: false };
  }
  return step;
}

async function eraseSome(
  deps: ActivityDependencies,
  erasure: Erasure,
): Promise<{ erased: number; refused: number; found: number }> {
  try {
    const erased = await eraseDeletedUsers(deps.db, erasure);
    return { erased, refused: 0, found: erased };
  } catch (error) {
    if (failureCode(error) !== 'ROW_REJECTED') throw error;
  }
  const rows = await listTombstonesToErase(deps.db, erasure);
  let erased = 0;
  const refused = await writeRows(deps, rows, async (some) => {
    const clerkUserIds = some.map(({ clerkUserId }) => clerkUserId);
    erased += await eraseDeletedUsers(deps.db, { ...erasure, clerkUserIds });
  });
  return { erased, refused, found: rows.length };
}
