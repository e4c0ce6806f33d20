import { PrismaPg } from '@prisma/adapter-pg';
import type { Pool, PoolClient, QueryConfig } from 'pg';
import type { BorrowedConnection, ConnectionPool } from './connection-pool.js';
import { beginTransaction, type TransactionLimits } from './session.js';

/**
 * @returns the adapter through which Prisma's own calls go, such as `db.user.findMany`: each runs in a transaction that
 *   sets what it relies on, and in the schema of our tables, which Prisma writes into its statements.
 * @remarks Such a call takes three round trips. The service itself makes none.
 */
export function prismaAdapter(connections: ConnectionPool, limits: TransactionLimits): PrismaPg {
  const options: { disposeExternalPool: boolean; schema?: string } = { disposeExternalPool: true };
  const adapter = new PrismaPg(prismaPool(connections, limits), options);
  const connect = adapter.connect.bind(adapter);
  adapter.connect = async () => {
    const { home, giveBack } = await connections.borrow();
    giveBack(false);
    const [schema] = home.path;
    if (schema !== undefined) options.schema = schema;
    return connect();
  };
  return adapter;
}

function prismaPool({ pool, borrow }: ConnectionPool, limits: TransactionLimits): Pool {
  const begin = ({ client, home }: BorrowedConnection) => client.query(beginTransaction(home, limits));
  return overridden<Pool>(pool, {
    async query(statement: QueryConfig) {
      const borrowed = await borrow();
      let broken = true;
      try {
        await begin(borrowed);
        const result = await borrowed.client.query(statement);
        await borrowed.client.query('COMMIT');
        broken = false;
        return result;
      } finally {
        borrowed.giveBack(broken);
      }
    },
    async connect() {
      const borrowed = await borrow();
      const { client } = borrowed;
      return overridden<PoolClient>(client, {
        query: (statement: QueryConfig) =>
          statement.text === 'BEGIN' ? begin(borrowed) : client.query(statement),
        release: (error?: Error | boolean) => borrowed.giveBack(Boolean(error)),
      });
    },
  });
}

/** @returns the object with some of its methods replaced. */
function overridden<T extends object>(object: T, methods: Partial<Record<keyof T, unknown>>): T {
  return new Proxy(object, {
    get(target, name) {
      if (name in methods) return methods[name as keyof T];
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
