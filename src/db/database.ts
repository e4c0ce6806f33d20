import { PrismaPg } from '@prisma/adapter-pg';
import { type Prisma, PrismaClient } from './generated/client.js';

export interface DatabaseOptions {
  /** A Postgres URL; Neon's and others' `sslmode` parameters are honoured. */
  url: string;
  /** Connections of this process. */
  poolSize: number;
  /** Longest wait for a connection, milliseconds. */
  connectTimeoutMs?: number;
  /** Longest statement, milliseconds. Default 15,000: an activity's attempt ends before Temporal gives it up. */
  statementTimeoutMs?: number;
}

const STATEMENT_TIMEOUT_MS = 15_000;

const statementTimeouts = new WeakMap<object, number>();

/** The one door to Postgres. Connects on first use; every verb of this folder takes it as its first argument. */
export type Database = PrismaClient;

export function connectDatabase(options: DatabaseOptions): Database {
  const { statementTimeoutMs = STATEMENT_TIMEOUT_MS } = options;
  const adapter = new PrismaPg(
    {
      connectionString: inUtc(options.url),
      max: options.poolSize,
      connectionTimeoutMillis: options.connectTimeoutMs ?? 5_000,
      // Above the server's own limit, for a server that has gone silent.
      query_timeout: statementTimeoutMs + 5_000,
      application_name: 'clerk-temporal-sync',
    },
    // A pool's idle connections break whenever Postgres restarts; the next statement reports what matters.
    { onPoolError: () => undefined, onConnectionError: () => undefined },
  );
  const db = new PrismaClient({ adapter });
  statementTimeouts.set(db, statementTimeoutMs);
  return db;
}

/**
 * Runs one statement that the server itself ends in time. A limit on our side alone would only drop the connection, and
 * behind a locked table the server would collect our abandoned statements until it has no connection left for anybody.
 *
 * @remarks The limit is set in the statement's transaction: poolers such as PgBouncer refuse it at connection.
 */
export async function query<Row>(db: Database, statement: Prisma.Sql): Promise<Row[]> {
  const limit = db.$executeRawUnsafe(
    `SET LOCAL statement_timeout = ${statementTimeouts.get(db) ?? STATEMENT_TIMEOUT_MS}`,
  );
  const [, rows] = await db.$transaction([limit, db.$queryRaw<Row[]>(statement)]);
  return rows;
}

/**
 * Prisma's driver writes and reads times without their offset, which is right only in a session that is in UTC, whatever
 * the database's own time zone.
 */
function inUtc(url: string): string {
  const parsed = new URL(url);
  const given = parsed.searchParams.get('options');
  parsed.searchParams.set('options', [given, '-c timezone=UTC'].filter(Boolean).join(' '));
  // URLSearchParams writes a space as +, which the driver does not read back.
  return parsed.href.replaceAll('+-c', '%20-c').replaceAll('-c+', '-c%20');
}
