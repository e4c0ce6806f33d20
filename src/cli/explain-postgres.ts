import { postgresCause } from '../db/postgres-failure.js';
import { placeOf, readPostgresAddress } from '../postgres-address.js';

/** @returns an error for a person at a terminal: where Postgres is, what it said, and what to do about it where that is known. */
export function explainPostgres(error: unknown, databaseUrl: string): Error {
  const address = readPostgresAddress(databaseUrl);
  const said = error instanceof Error && error.message !== '' ? error.message : 'no connection';
  if ('problem' in address) return new Error(said, { cause: error });
  const cause = postgresCause(error);
  const advice = cause === undefined ? '' : `\n${capitalised(cause.what)}. ${cause.advice}`;
  return new Error(`${placeOf(address)}: ${said}${advice}`, { cause: error });
}

const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
