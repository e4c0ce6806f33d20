import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { countLiveUsers } from '../../src/db/count-live-users.js';
import { connectDatabase, type Database, transaction } from '../../src/db/database.js';
import { Prisma } from '../../src/db/generated/client.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const CONNECT_TIMEOUT_MS = 500;
const connect = (url: string, poolSize: number) =>
  connectDatabase({ url, poolSize, connectTimeoutMs: CONNECT_TIMEOUT_MS });

/** Holds a connection for longer than connecting may take. */
const hold = (db: Database) =>
  transaction(db, (run) => run(Prisma.sql`SELECT pg_sleep(${(2 * CONNECT_TIMEOUT_MS) / 1000})::text`));

test('more work than connections takes turns, however long the wait, and Postgres is not said to be away', async () => {
  const db = connect(database.url, 2);
  try {
    const held = [hold(db), hold(db), hold(db), hold(db)];
    const counted = Array.from({ length: 20 }, () => countLiveUsers(db));
    const models = Array.from({ length: 5 }, () => db.user.count());
    expect(await Promise.all([...counted, ...models])).toEqual(Array.from({ length: 25 }, () => 0));
    await Promise.all(held);
  } finally {
    await db.$disconnect();
  }
});

test('a server that takes a connection and says nothing is away after the limit, for each who waits', async () => {
  const silent = createServer(() => undefined);
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  const db = connect(`postgres://nobody@127.0.0.1:${port}/none`, 1);
  try {
    const asked = await Promise.allSettled([countLiveUsers(db), countLiveUsers(db)]);
    const unavailable = {
      status: 'rejected',
      reason: expect.objectContaining({ type: 'POSTGRES_UNAVAILABLE' }),
    };
    expect(asked).toEqual([unavailable, unavailable]);
  } finally {
    await db.$disconnect();
    silent.close();
  }
});

test('disconnecting lets those who have a connection finish, and refuses those who wait', async () => {
  const db = connect(database.url, 1);
  const held = hold(db);
  const waits = countLiveUsers(db);
  const refused = expect(waits).rejects.toMatchObject({ type: 'POSTGRES_UNAVAILABLE' });
  await db.$disconnect();
  await refused;
  await held;
  await expect(countLiveUsers(db)).rejects.toMatchObject({ type: 'POSTGRES_UNAVAILABLE' });
});
