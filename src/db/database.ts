import { PrismaPg } from '@prisma/adapter-pg';
import { DatabaseError, escapeLiteral, Pool, type PoolClient, type QueryResult } from 'pg';
import type { EmailUniqueness } from './email-uniqueness.js';
import { type Prisma, PrismaClient } from './generated/client.js';
import { readPostgresUrl } from './postgres-url.js';

export interface DatabaseOptions {
  /** A Postgres URL; libpq's `sslmode` and its kin are honoured, a socket's folder as `host`, and Prisma's `schema`. */
  url: string;
  /** Connections of this process. Default 10. */
  poolSize?: number;
  /** Longest wait for a connection, milliseconds. */
  connectTimeoutMs?: number;
  /** Longest statement, milliseconds. Default 15,000: an activity's attempt ends before Temporal gives it up. */
  statementTimeoutMs?: number;
  /** Who keeps an address that two users have, where an index of the application's makes it unique. Default `none`. */
  emailUniqueness?: EmailUniqueness;
}

const STATEMENT_TIMEOUT_MS = 15_000;

interface Connection {
  pool: Pool;
  statementTimeoutMs: number;
  emailUniqueness: EmailUniqueness;
}

const connections = new WeakMap<object, Connection>();

/** The one door to Postgres. Connects on first use; every verb of this folder takes it as its first argument. */
export type Database = PrismaClient;

/** @throws TypeError for an address that is none; whether anything is there, the first statement tells. */
export function connectDatabase(options: DatabaseOptions): Database {
  const { statementTimeoutMs = STATEMENT_TIMEOUT_MS, emailUniqueness = 'none' } = options;
  const { config, schema } = readPostgresUrl(options.url);
  const pool = new Pool({
    ...config,
    max: options.poolSize ?? 10,
    connectionTimeoutMillis: options.connectTimeoutMs ?? 5_000,
    // Above the server's own limit, for a server that has gone silent.
    query_timeout: statementTimeoutMs + 5_000,
  });
  // Idle connections break whenever Postgres restarts; the next statement reports what matters.
  const ignore = () => undefined;
  pool.on('error', ignore);
  // One that is in use, too: between two statements nobody else hears it, and an error that nobody hears ends the process.
  pool.on('connect', (client) => client.on('error', ignore));
  const adapter = new PrismaPg(pool, {
    onPoolError: ignore,
    onConnectionError: ignore,
    disposeExternalPool: true,
    ...(schema === null ? {} : { schema }),
  });
  const db = new PrismaClient({ adapter });
  connections.set(db, { pool, statementTimeoutMs, emailUniqueness });
  return db;
}

/** Any number that nobody else locks; see migrate.ts for the other. */
const ERASURE_LOCK = 2_026_112_101;
/** While an erasure waits for the writers before it, those after it wait too. */
const ERASURE_WAITS_MS = 2_000;

export interface QueryOptions {
  /**
   * Taken before the statement and held until it has committed, so that it sees everything that was committed under the
   * lock before it. Whatever decides by the tombstones of both tables shares it; who moves one to the other is alone.
   */
  erasureLock?: 'shared' | 'exclusive';
  /** For a small read while somebody waits: its values, all of them text, then go along as literals. */
  inOneRoundTrip?: boolean;
}

/**
 * Runs one statement that the server itself ends in time. A limit on our side alone would only drop the connection, and
 * behind a locked table the server would collect our abandoned statements until it has no connection left for anybody.
 *
 * @remarks The limit is set in the statement's transaction: poolers such as PgBouncer refuse it at connection. The lock
 *   is taken in the same round trip. The statement goes to the driver as it is: Prisma would copy and escape a page's
 *   parameter three times.
 */
export const query = <Row extends object>(
  db: Database,
  statement: Prisma.Sql,
  options: QueryOptions = {},
): Promise<Row[]> =>
  options.inOneRoundTrip
    ? onConnection(db, options, (client, before) => runAtOnce<Row>(client, before, statement))
    : transaction(db, (run) => run<Row>(statement), options);

export type Run = <Row extends object>(statement: Prisma.Sql) => Promise<Row[]>;

/** As {@link query}, for statements that are one whole; each has the limit to itself. */
export const transaction = <Result>(
  db: Database,
  work: (run: Run) => Promise<Result>,
  options: Omit<QueryOptions, 'inOneRoundTrip'> = {},
): Promise<Result> =>
  onConnection(db, options, async (client, before) => {
    await client.query(`BEGIN; ${before}`);
    const result = await work(
      async <Row extends object>(statement: Prisma.Sql) =>
        (await client.query<Row>(statement.text, statement.values)).rows,
    );
    await client.query('COMMIT');
    return result;
  });

/** @param work a transaction from its beginning to its end, `before` being its first statement. */
async function onConnection<Result>(
  db: Database,
  { erasureLock }: QueryOptions,
  work: (client: PoolClient, before: string) => Promise<Result>,
): Promise<Result> {
  const { pool, statementTimeoutMs } = connectionOf(db);
  const before =
    erasureLock === undefined
      ? `SET LOCAL statement_timeout = ${statementTimeoutMs}`
      : takeErasureLock(erasureLock, statementTimeoutMs);
  const client = await pool.connect();
  let failed = true;
  try {
    const result = await work(client, before);
    failed = false;
    return result;
  } catch (error) {
    // A refused row leaves a good connection behind; after any other failure nobody knows what the server still does.
    if (error instanceof DatabaseError && /^2[23]|^44/.test(error.code ?? '')) {
      await client.query('ROLLBACK');
      failed = false;
    }
    throw error;
  } finally {
    // Closing a connection ends its transaction.
    client.release(failed);
  }
}

/** @see https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-MULTI-STATEMENT */
async function runAtOnce<Row extends object>(
  client: PoolClient,
  before: string,
  { strings, values }: Prisma.Sql,
): Promise<Row[]> {
  const literals = values.map((value) => {
    if (typeof value !== 'string') throw new TypeError('In one round trip only text can be sent.');
    return escapeLiteral(value);
  });
  const text = strings.map((part, at) => part + (literals[at] ?? '')).join('');
  const results: unknown = await client.query(`BEGIN; ${before}; ${text}; COMMIT`);
  const [, , read] = results as QueryResult<Row>[];
  return read?.rows ?? [];
}

export const emailUniquenessOf = (db: Database): EmailUniqueness => connectionOf(db).emailUniqueness;

function connectionOf(db: Database): Connection {
  const connection = connections.get(db);
  if (connection === undefined) throw new Error('This database was not connected by connectDatabase.');
  return connection;
}

/** A statement's own limit counts from its start, so the wait for the lock has its limit by lock_timeout. */
function takeErasureLock(mode: 'shared' | 'exclusive', timeoutMs: number): string {
  const set = (name: string, value: string) => `set_config('${name}', '${value}', true)`;
  const limit = set('statement_timeout', String(timeoutMs));
  if (mode === 'shared') {
    return `SELECT ${limit}, ${set('lock_timeout', String(timeoutMs))}, pg_advisory_xact_lock_shared(${ERASURE_LOCK})`;
  }
  // The lock orders nothing where a transaction reads as of its first statement. Postgres refuses to change the level
  // here, so in a database with another default nothing is erased.
  return `SELECT ${limit}, ${set('transaction_isolation', 'read committed')},
    ${set('lock_timeout', String(Math.min(ERASURE_WAITS_MS, timeoutMs)))}, pg_advisory_xact_lock(${ERASURE_LOCK})`;
}
