import { DatabaseError, escapeIdentifier } from 'pg';

/** @returns an error that says what failed, what Postgres said, and, where it is known, what to do about it. */
export function migrationRefused(what: string, cause: unknown, schema: string): Error {
  const said = cause instanceof Error ? cause.message : String(cause);
  const sqlState = cause instanceof DatabaseError ? cause.code : undefined;
  return new Error(`${what}, and nothing was changed: ${said}${wayOut(sqlState, schema)}`, { cause });
}

function wayOut(sqlState: string | undefined, schema: string): string {
  switch (sqlState) {
    case '42P07': // duplicate_table: most applications have a table of this name.
      return '. The application has a table of that name: give this service a database or a schema of its own, see "The tables" in README.';
    case '42501': // insufficient_privilege
      return `. Have somebody who may run CREATE SCHEMA IF NOT EXISTS ${escapeIdentifier(schema)} and GRANT USAGE, CREATE ON SCHEMA ${escapeIdentifier(schema)} TO the role of DATABASE_URL, or run this command as a role that may.`;
    default:
      return '';
  }
}
