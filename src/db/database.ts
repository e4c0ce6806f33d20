import { PrismaPg } from '@prisma/adapter-pg';
import { PrismaClient } from './generated/client.js';

export interface DatabaseOptions {
  /** A Postgres URL; Neon's and others' `sslmode` parameters are honoured. */
  url: string;
  /** Connections of this process. */
  poolSize: number;
  /** Longest wait for a connection, milliseconds. */
  connectTimeoutMs?: number;
  /** Longest statement, milliseconds: an activity's attempt must end before Temporal gives up on it. */
  statementTimeoutMs?: number;
}

/** The one door to Postgres. Connects on first use; every verb of this folder takes it as its first argument. */
export type Database = PrismaClient;

export function connectDatabase(options: DatabaseOptions): Database {
  const adapter = new PrismaPg(
    {
      connectionString: options.url,
      max: options.poolSize,
      connectionTimeoutMillis: options.connectTimeoutMs ?? 5_000,
      // On the client's side, because poolers such as PgBouncer refuse a statement_timeout at connection.
      query_timeout: options.statementTimeoutMs ?? 25_000,
      application_name: 'clerk-temporal-sync',
    },
    // A pool's idle connections break whenever Postgres restarts; the next statement reports what matters.
    { onPoolError: () => undefined, onConnectionError: () => undefined },
  );
  return new PrismaClient({ adapter });
}
