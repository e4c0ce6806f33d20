import type { ClientConfig } from 'pg';
import { readPostgresAddress } from '../postgres-address.js';
import { tlsOptions } from './tls-options.js';

export interface PostgresSettings {
  /** For the driver. Its `options` are the user's, and nothing is added to them. */
  config: ClientConfig;
  /** Where the tables are, by the parameter `schema` that Prisma's URLs have; null where the URL does not say. */
  schema: string | null;
}

/**
 * Reads a Postgres URL as libpq, the driver and Prisma's users write it. What a session is to have set is no part of it:
 * see session.ts.
 *
 * @throws TypeError for what is no usable Postgres URL, without quoting it.
 */
export function readPostgresUrl(url: string): PostgresSettings {
  const address = readPostgresAddress(url);
  if ('problem' in address) throw unusable(address.problem);
  const { parameters, host, port, user, password, database } = address;
  const schema = parameters.get('schema') ?? null;
  if (schema !== null && !/^[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(schema))
    throw unusable('has a schema that is no name of letters, digits and _');
  const tls = tlsOptions(address);
  if ('problem' in tls) throw unusable(tls.problem);
  const options = parameters.get('options');
  return {
    config: {
      host,
      port,
      user,
      password,
      database,
      application_name: parameters.get('application_name') ?? 'clerk-temporal-sync',
      ...(options ? { options } : {}),
      ...tls,
    },
    schema,
  };
}

const unusable = (problem: string) =>
  new TypeError(`The address of the database ${problem}. Look at DATABASE_URL.`);
