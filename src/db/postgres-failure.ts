import type { ApplicationFailure } from '@temporalio/common';
import { failure } from '../failures.js';
import { CAUSES_BY_MESSAGE, POSTGRES_CAUSES, type PostgresCause } from './postgres-cause.js';

/**
 * Names what Postgres said. Its own text is dropped: details such as `Key (email)=(…)` hold personal data, and would
 * end in histories and logs. What is kept is the SQLSTATE or the code of the connection's error, and the constraint;
 * what is known of such a code is added: what it means, and what to do.
 *
 * @returns ROW_REJECTED for what no retry can cure (bad data, a constraint, a trigger that raises, a row
 *   too large), SCHEMA_MISSING for a
 *   migration that was not run, be it ours or the one for a mapped column, and POSTGRES_UNAVAILABLE, which is retried, for everything else.
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
export function postgresFailure(error: unknown, doing: string): ApplicationFailure {
  const { sqlState, constraint, code } = describe(error);
  if (sqlState === undefined) {
    const what = code === undefined ? `${doing} SQLSTATE none.` : `${doing} ${inWords(code)}`;
    return failure('POSTGRES_UNAVAILABLE', what);
  }
  if (/^(22|23|44|54|P0)/.test(sqlState)) {
    const which = constraint === undefined ? '' : `, constraint ${constraint}`;
    return failure('ROW_REJECTED', `${doing} SQLSTATE ${sqlState}${which}.`);
  }
  const isSchema = /^(42P01|42703|42804|42883|428C9|3F000)$/.test(sqlState);
  return failure(
    isSchema ? 'SCHEMA_MISSING' : 'POSTGRES_UNAVAILABLE',
    `${doing} SQLSTATE ${inWords(sqlState)}`,
  );
}

/** @returns what is known of why Postgres could not be used; undefined for other errors. */
export function postgresCause(error: unknown): PostgresCause | undefined {
  const { sqlState, code } = describe(error);
  return POSTGRES_CAUSES[sqlState ?? code ?? ''];
}

/** `28P01: the user name or the password is wrong. Correct them in DATABASE_URL; …` */
function inWords(code: string): string {
  const cause = POSTGRES_CAUSES[code];
  return cause === undefined ? `${code}.` : `${code}: ${cause.what}. ${cause.advice}`;
}

/** Prisma's word for an error of the connection, whose code it drops. */
const KINDS: Readonly<Record<string, string>> = {
  DatabaseNotReachable: 'UNREACHABLE',
  ConnectionClosed: 'ECONNRESET',
  SocketTimeout: 'ETIMEDOUT',
  TlsConnectionError: 'ERR_SSL',
};

/** Prisma wraps the driver's error; where, depends on the kind of error, so every layer is looked at. */
function describe(error: unknown): { sqlState?: string; constraint?: string; code?: string } {
  const found: { sqlState?: string; constraint?: string; code?: string } = {};
  const layers: unknown[] = [error];
  for (let depth = 0; layers.length > 0 && depth < 12; depth++) {
    const layer = layers.shift();
    if (typeof layer !== 'object' || layer === null) continue;
    const { originalCode, code, constraint, cause, meta, driverAdapterError, message, reason, kind, errors } =
      layer as Record<string, unknown>;
    for (const candidate of [originalCode, code]) {
      if (typeof candidate !== 'string') continue;
      const known = /^ERR_SSL_/.test(candidate) ? 'ERR_SSL' : candidate;
      if (/^E[A-Z]/.test(candidate) || (known.length > 5 && Object.hasOwn(POSTGRES_CAUSES, known)))
        found.code ??= known;
      else if (/^[0-9A-Z]{5}$/.test(candidate) && !/^P[1-9]\d{3}$/.test(candidate))
        found.sqlState ??= candidate;
    }
    for (const text of [message, reason]) {
      if (typeof text !== 'string') continue;
      const byMessage = CAUSES_BY_MESSAGE.find(([pattern]) => pattern.test(text))?.[1];
      if (byMessage !== undefined) found.code ??= byMessage;
    }
    if (typeof kind === 'string' && Object.hasOwn(KINDS, kind) && KINDS[kind] !== undefined)
      found.code ??= KINDS[kind];
    const name =
      typeof constraint === 'object' && constraint !== null && 'index' in constraint
        ? constraint.index
        : constraint;
    if (typeof name === 'string') found.constraint ??= name;
    layers.push(cause, meta, driverAdapterError, ...(Array.isArray(errors) ? errors : []));
  }
  return found;
}
