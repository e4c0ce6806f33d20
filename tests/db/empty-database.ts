import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { fromSetUp } from '../support/from-set-up.js';

/** A database without a single table of ours. */
export interface EmptyDatabase {
  url: string;
  /** Runs SQL as another client would. */
  query<Row>(statement: string, values?: unknown[]): Promise<Row[]>;
  drop(): Promise<void>;
}

export async function createEmptyDatabase(): Promise<EmptyDatabase> {
  const name = `empty_${randomBytes(8).toString('hex')}`;
  const server = fromSetUp('TEST_POSTGRES_URL');
  await queryOnce(server, `CREATE DATABASE ${name} STRATEGY FILE_COPY`);
  const url = new URL(server);
  url.pathname = name;
  return {
    url: url.href,
    query: (statement, values) => queryOnce(url.href, statement, values),
    async drop() {
      await queryOnce(server, `DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}

/** Runs SQL that is of no database, as whoever may do everything. */
export const onServer = (statement: string): Promise<unknown[]> =>
  queryOnce(fromSetUp('TEST_POSTGRES_URL'), statement);

async function queryOnce<Row>(url: string, statement: string, values: unknown[] = []): Promise<Row[]> {
  const client = new Client({ connectionString: url, application_name: 'test' });
  await client.connect();
  try {
    return (await client.query(statement, values)).rows as Row[];
  } finally {
    await client.end();
  }
}
