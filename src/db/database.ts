import { DatabaseError, type PoolClient, type QueryResult } from 'pg';
import { type ConnectionPool, createConnectionPool } from './connection-pool.js';
import type { EmailUniqueness } from './email-uniqueness.js';
import { type Prisma, PrismaClient } from './generated/client.js';
import { readPostgresUrl } from './postgres-url.js';
import { prismaAdapter } from './prisma-adapter.js';
import { beginTransaction } from './session.js';
import { withLiterals } from './with-literals.js';

export interface DatabaseOptions {
  /** A Postgres URL; libpq's `sslmode` and its kin are honoured, a socket's folder as `host`, and Prisma's `schema`. */
  url: string;
  /** Connections of this process. Default 10. */
  poolSize?: number;
  /** Longest wait for Postgres to take a connection, milliseconds. Default 5,000. */
  connectTimeoutMs?: number;
  /** Longest statement, milliseconds. Default 15,000: an activity's attempt ends before Temporal gives it up. */
  statementTimeoutMs?: number;
  /** Who keeps an address that two users have, where an index of the application's makes it unique. Default `none`. */
  emailUniqueness?: EmailUniqueness;
}

const STATEMENT_TIMEOUT_MS = 15_000;

interface Connection {
  connections: ConnectionPool;
  statementTimeoutMs: number;
  emailUniqueness: EmailUniqueness;
}

const connected = new WeakMap<object, Connection>();

/** The one door to Postgres. Connects on first use; every verb of this folder takes it as its first argument. */
export type Database = PrismaClient;

/** @throws TypeError for an address that is none; whether anything is there, the first statement tells. */
export function connectDatabase(options: DatabaseOptions): Database {
  const { statementTimeoutMs = STATEMENT_TIMEOUT_MS, emailUniqueness = 'none' } = options;
  const connections = createConnectionPool({
    ...readPostgresUrl(options.url),
    size: options.poolSize ?? 10,
    connectTimeoutMs: options.connectTimeoutMs ?? 5_000,
    statementTimeoutMs,
  });
  const db = new PrismaClient({ adapter: prismaAdapter(connections, { statementTimeoutMs }) });
  // Prisma ends the pool only if it has used it.
  const disconnect = db.$disconnect.bind(db);
  Object.defineProperty(db, '$disconnect', {
    value: async () => {
      await disconnect();
      await connections.close();
    },
  });
  connected.set(db, { connections, statementTimeoutMs, emailUniqueness });
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
  /** For a small statement: its values then go along as literals. */
  inOneRoundTrip?: boolean;
  /** For what can be asked before the tables are there. */
  withoutTables?: boolean;
}

/**
 * Runs one statement in a transaction that sets all it relies on, and that the server itself ends in time. A limit on our
 * side alone would only drop the connection, and behind a locked table the server would collect our abandoned statements
 * until it has no connection left for anybody.
 *
 * @remarks What is set, and the lock, go along with BEGIN. The statement goes to the driver as it is: Prisma would copy
 *   and escape a page's parameter three times.
 */
export const query = <Row extends object>(
  db: Database,
  statement: Prisma.Sql,
  options: QueryOptions = {},
): Promise<Row[]> =>
  options.inOneRoundTrip
    ? onConnection(db, options, (client, begin) => runAtOnce<Row>(client, begin, statement))
    : transaction(db, (run) => run<Row>(statement), options);

export type Run = <Row extends object>(statement: Prisma.Sql) => Promise<Row[]>;

/** As {@link query}, for statements that are one whole; each has the limit to itself. */
export const transaction = <Result>(
  db: Database,
  work: (run: Run) => Promise<Result>,
  options: Omit<QueryOptions, 'inOneRoundTrip'> = {},
): Promise<Result> =>
  onConnection(db, options, async (client, begin) => {
    await client.query(begin);
    const result = await work(
      async <Row extends object>(statement: Prisma.Sql) =>
        (await client.query<Row>(statement.text, statement.values)).rows,
    );
    await client.query('COMMIT');
    return result;
  });

/** @param work a transaction from its beginning, which is `begin`, to its end. */
async function onConnection<Result>(
  db: Database,
  { erasureLock, withoutTables = false }: QueryOptions,
  work: (client: PoolClient, begin: string) => Promise<Result>,
): Promise<Result> {
  const { connections, statementTimeoutMs } = connectionOf(db);
  const { client, home, giveBack } = await connections.borrow();
  const limits = {
    statementTimeoutMs,
    ...(erasureLock === 'exclusive' ? { lockTimeoutMs: Math.min(ERASURE_WAITS_MS, statementTimeoutMs) } : {}),
  };
  let broken = true;
  try {
    if (home.missing !== null && !withoutTables) {
      broken = false;
      throw new MissingTable(home.missing);
    }
    const begin = `${beginTransaction(home, limits)}${erasureLock === undefined ? '' : `; ${ERASURE_LOCKS[erasureLock]}`}`;
    const result = await work(client, begin);
    broken = false;
    return result;
  } catch (error) {
    // A refused row leaves a good connection behind; after any other failure nobody knows what the server still does.
    if (error instanceof DatabaseError && /^2[23]|^44/.test(error.code ?? '')) {
      await client.query('ROLLBACK');
      broken = false;
    }
    throw error;
  } finally {
    giveBack(broken);
  }
}

/** Unless all tables are in one schema, a name could be found in another one, where it is somebody else's. */
class MissingTable extends Error {
  /** As Postgres says it: undefined_table. */
  readonly code = '42P01';

  constructor(table: string) {
    super(`There is no table ${table}.`);
  }
}

/** @see https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-MULTI-STATEMENT */
async function runAtOnce<Row extends object>(
  client: PoolClient,
  begin: string,
  statement: Prisma.Sql,
): Promise<Row[]> {
  const results: unknown = await client.query(`${begin}; ${withLiterals(statement)}; COMMIT`);
  return (results as QueryResult<Row>[]).at(-2)?.rows ?? [];
}

export const emailUniquenessOf = (db: Database): EmailUniqueness => connectionOf(db).emailUniqueness;

function connectionOf(db: Database): Connection {
  const connection = connected.get(db);
  if (connection === undefined) throw new Error('This database was not connected by connectDatabase.');
  return connection;
}

const ERASURE_LOCKS = {
  shared: `SELECT pg_advisory_xact_lock_shared(${ERASURE_LOCK})`,
  exclusive: `SELECT pg_advisory_xact_lock(${ERASURE_LOCK})`,
} as const;
