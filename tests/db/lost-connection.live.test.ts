import { expect, test } from '@jest/globals';
import { transaction } from '../../src/db/database.js';
import { Prisma } from '../../src/db/generated/client.js';
import { connectedDatabase } from '../support/connected-database.js';
import { waitUntil } from '../support/wait-until.js';

const table = connectedDatabase();

test('a connection that ends between two statements fails the next one, and not the process', async () => {
  const { db } = table;
  const work = transaction(db, async (run) => {
    const [own] = await run<{ pid: number }>(Prisma.sql`SELECT pg_backend_pid() AS pid`);
    const isThere = () => db.$queryRaw<unknown[]>`SELECT FROM pg_stat_activity WHERE pid = ${own?.pid}`;
    await db.$queryRaw`SELECT pg_terminate_backend(${own?.pid}::int)`;
    await waitUntil(async () => (await isThere()).length === 0);
    return run(Prisma.sql`SELECT 1`);
  });
  await expect(work).rejects.toThrow();
  await expect(db.$queryRaw`SELECT 1 AS one`).resolves.toEqual([{ one: 1 }]);
});
