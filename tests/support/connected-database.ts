import { afterAll, beforeAll } from '@jest/globals';
import { connectDatabase, type Database } from '../../src/db/database.js';
import { createTestDatabase, type TestDatabase } from './test-database.js';

/** @returns a migrated database of the test file's own, and a connection to it; both are there while its tests run. */
export function connectedDatabase(poolSize = 2): { readonly database: TestDatabase; readonly db: Database } {
  let opened: { database: TestDatabase; db: Database } | undefined;
  beforeAll(async () => {
    const database = await createTestDatabase();
    opened = { database, db: connectDatabase({ url: database.url, poolSize, connectTimeoutMs: 120_000 }) };
  });
  afterAll(async () => {
    await opened?.db.$disconnect();
    await opened?.database.drop();
  });
  const get = () => {
    if (opened === undefined) throw new Error('The database is there once the tests run.');
    return opened;
  };
  return {
    get database() {
      return get().database;
    },
    get db() {
      return get().db;
    },
  };
}
