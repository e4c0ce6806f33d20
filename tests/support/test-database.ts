import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { fromSetUp } from './from-set-up.js';

export interface TestDatabase {
  url: string;
  /** From now on this database refuses connections, and has ended those it had: Postgres is down, for this file only. */
  goDown(): Promise<void>;
  comeBack(): Promise<void>;
  /** Ends what is still connected. */
  drop(): Promise<void>;
}

/** @returns a migrated, empty database of the caller's own; drop it in `afterAll`. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const name = `test_${randomBytes(8).toString('hex')}`;
  await query(`CREATE DATABASE ${name} TEMPLATE ${fromSetUp('TEST_POSTGRES_TEMPLATE')} STRATEGY FILE_COPY`);
  const url = new URL(fromSetUp('TEST_POSTGRES_URL'));
  url.pathname = name;
  return {
    url: url.href,
    goDown: () =>
      query(
        `ALTER DATABASE ${name} ALLOW_CONNECTIONS false`,
        `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '${name}'`,
      ),
    comeBack: () => query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS true`),
    drop: () => query(`DROP DATABASE ${name} WITH (FORCE)`),
  };
}

async function query(...statements: string[]): Promise<void> {
  const client = new Client({ connectionString: fromSetUp('TEST_POSTGRES_URL') });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}
