import { type ClientBase, escapeIdentifier, escapeLiteral, type QueryResult } from 'pg';
import { TABLES } from './tables.js';

/** Where the tables are, as a role finds them. */
export interface Home {
  /** The schemas in which names are looked up. Our tables are in the first one; the others are the application's. */
  path: readonly string[];
  /** A table that the first schema does not have, or not for this role; null when all are there. */
  missing: string | null;
  /** Whether the server has `transaction_timeout` (from Postgres 17 on). */
  hasTransactionTimeout: boolean;
}

export interface TransactionLimits {
  /** Milliseconds; 0 for none. */
  statementTimeoutMs: number;
  /** Longest wait for a lock, milliseconds; 0 for none. Default: as long as a statement. */
  lockTimeoutMs?: number;
}

/**
 * What a statement relies on, whatever the database, the role, the URL or another client of the same pooler has set:
 * texts of times and numbers are read back by the driver, and some are compared in SQL.
 */
const SETTINGS = {
  client_encoding: 'UTF8',
  DateStyle: 'ISO, MDY',
  extra_float_digits: '1',
  IntervalStyle: 'postgres',
  standard_conforming_strings: 'on',
  TimeZone: 'UTC',
} as const;

/**
 * @returns the SQL that begins a transaction and gives it everything it relies on, for one simple query.
 * @remarks Only SET LOCAL: it works through any pooler in transaction mode, ends with the transaction, takes no snapshot,
 *   so that locks can still be taken before the first one, and costs Postgres 25 to 100 µs.
 * @see https://www.postgresql.org/docs/current/sql-set.html
 */
export function beginTransaction(home: Home, limits: TransactionLimits): string {
  const { statementTimeoutMs, lockTimeoutMs = statementTimeoutMs } = limits;
  const settings = {
    ...SETTINGS,
    statement_timeout: String(statementTimeoutMs),
    lock_timeout: String(lockTimeoutMs),
    // A process that stands still amid a transaction must not keep its locks.
    idle_in_transaction_session_timeout: String(statementTimeoutMs),
    // Each statement has its own limit.
    ...(home.hasTransactionTimeout ? { transaction_timeout: '0' } : {}),
  };
  return [
    'BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE',
    ...Object.entries(settings).map(([name, value]) => `SET LOCAL ${name} = ${escapeLiteral(value)}`),
    `SET LOCAL search_path = ${home.path.map(escapeIdentifier).join(', ') || "''"}`,
  ].join('; ');
}

/**
 * Asks the server, in one round trip, where our tables are: in the schema that the URL names, else in the first of the
 * role's own path. The rest of that path follows, so that an application's triggers find their things.
 */
export async function findHome(client: ClientBase, schema: string | null): Promise<Home> {
  const first = schema === null ? "coalesce(current_schema(), 'public')" : escapeLiteral(schema);
  const results: unknown = await client.query(`
    BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY;
    SET LOCAL search_path TO DEFAULT;
    SELECT to_json(current_schemas(false))::text AS path,
      current_setting('transaction_timeout', true) AS "transactionTimeout", (
        SELECT format('%I.%I', ${first}, name) FROM unnest('{${TABLES.join(',')}}'::text[]) AS name
        WHERE NOT EXISTS (
          SELECT FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
          WHERE nspname = ${first} AND relname = name AND has_schema_privilege(pg_namespace.oid, 'USAGE')
        ) LIMIT 1
      ) AS missing;
    COMMIT`);
  const found = (
    results as QueryResult<{ path: string; missing: string | null; transactionTimeout: string | null }>[]
  )
    .flatMap(({ rows }) => rows)
    .at(0);
  if (found === undefined) throw new Error('No row.');
  const own = JSON.parse(found.path) as string[];
  return {
    path: schema === null ? own : [schema, ...own.filter((name) => name !== schema)],
    missing: found.missing,
    hasTransactionTimeout: found.transactionTimeout !== null,
  };
}
