import { type ClientConfig, Pool, type PoolClient } from 'pg';
import { findHome, type Home } from './session.js';
import { createTurns } from './turns.js';

export interface PoolOptions {
  /** Where the database is, and how to log in. */
  config: ClientConfig;
  /** The schema that the URL names; null where it names none. */
  schema: string | null;
  size: number;
  connectTimeoutMs: number;
  statementTimeoutMs: number;
}

export interface BorrowedConnection {
  client: PoolClient;
  home: Home;
  /** @param broken whether the connection is to be closed, which ends its transaction. */
  giveBack(broken: boolean): void;
}

export interface ConnectionPool {
  pool: Pool;
  /**
   * Waits for a free connection as long as it takes: those that have one are limited by their statements' time, and a
   * full pool says nothing about Postgres. Only connecting has a limit.
   *
   * @throws what `pg` throws when it cannot connect.
   */
  borrow(): Promise<BorrowedConnection>;
  /** Ends all connections; those who wait for one are refused. */
  close(): Promise<void>;
}

export function createConnectionPool(options: PoolOptions): ConnectionPool {
  const { size, statementTimeoutMs } = options;
  const pool = new Pool({
    ...options.config,
    max: size,
    connectionTimeoutMillis: options.connectTimeoutMs,
    // Above the server's own limit, for a server that has gone silent.
    query_timeout: statementTimeoutMs + 5_000,
  });
  // Idle connections break whenever Postgres restarts; the next statement reports what matters.
  const ignore = () => undefined;
  pool.on('error', ignore);
  // One that is in use, too: between two statements nobody else hears it, and an error that nobody hears ends the process.
  pool.on('connect', (client) => client.on('error', ignore));
  // pg's own queue counts the wait as time to connect.
  const turns = createTurns(size);
  let known: Home | undefined;
  return {
    pool,
    async borrow() {
      const endTurn = await turns.take();
      try {
        const client = await pool.connect();
        const giveBack = (broken: boolean) => {
          client.release(broken);
          endTurn();
        };
        try {
          const home = known ?? (await findHome(client, options.schema));
          // Until all tables are there, somebody may be about to make them.
          if (home.missing === null) known = home;
          return { client, home, giveBack };
        } catch (error) {
          client.release(true);
          throw error;
        }
      } catch (error) {
        endTurn();
        throw error;
      }
    },
    async close() {
      turns.close();
      if (!pool.ending) await pool.end();
    },
  };
}
