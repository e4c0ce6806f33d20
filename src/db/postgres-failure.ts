import type { ApplicationFailure } from '@temporalio/common';
import { failure } from '../failures.js';

/**
 * Names what Postgres said. Its own text is dropped: details such as `Key (email)=(…)` hold personal data, and would
 * end in histories and logs. What is kept is the SQLSTATE and the constraint.
 *
 * @returns ROW_REJECTED for what no retry can cure (bad data, a constraint, a trigger that raises, a row
 *   too large), SCHEMA_MISSING for a
 *   migration that was not run, be it ours or the one for a mapped column, and POSTGRES_UNAVAILABLE, which is retried, for everything else.
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
export function postgresFailure(error: unknown, doing: string): ApplicationFailure {
  const { sqlState, constraint } = describe(error);
  const what = `${doing} SQLSTATE ${sqlState ?? 'none'}${constraint === undefined ? '' : `, constraint ${constraint}`}.`;
  if (sqlState !== undefined && /^(22|23|44|54|P0)/.test(sqlState)) return failure('ROW_REJECTED', what);
  if (sqlState !== undefined && /^(42P01|42703|42804|42883|428C9|3F000)$/.test(sqlState))
    return failure('SCHEMA_MISSING', what);
  return failure('POSTGRES_UNAVAILABLE', what);
}

/** Prisma wraps the driver's error; where, depends on the kind of error, so every layer is looked at. */
function describe(error: unknown): { sqlState?: string; constraint?: string } {
  const found: { sqlState?: string; constraint?: string } = {};
  const layers: unknown[] = [error];
  for (let depth = 0; layers.length > 0 && depth < 12; depth++) {
    const layer = layers.shift();
    if (typeof layer !== 'object' || layer === null) continue;
    const { originalCode, code, constraint, cause, meta, driverAdapterError } = layer as Record<
      string,
      unknown
    >;
    for (const candidate of [originalCode, code]) {
      if (
        typeof candidate === 'string' &&
        /^[0-9A-Z]{5}$/.test(candidate) &&
        !/^P[1-9]\d{3}$/.test(candidate)
      )
        found.sqlState ??= candidate;
    }
    const name =
      typeof constraint === 'object' && constraint !== null && 'index' in constraint
        ? constraint.index
        : constraint;
    if (typeof name === 'string') found.constraint ??= name;
    layers.push(cause, meta, driverAdapterError);
  }
  return found;
}
