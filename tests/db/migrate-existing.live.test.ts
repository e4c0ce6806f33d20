import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { migrate } from '../../src/db/migrate.js';
import { createEmptyDatabase, type EmptyDatabase } from './empty-database.js';

let database: EmptyDatabase;
beforeEach(async () => {
  database = await createEmptyDatabase();
});
afterEach(() => database.drop());
const tables = () =>
  database.query(
    "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_name <> 'clerk_sync_migrations' ORDER BY 1",
  );

test('a database that has tables of the application already is migrated, and those are left alone', async () => {
  await database.query('CREATE TABLE orders (id int)');
  await database.query('INSERT INTO orders VALUES (1)');
  expect(await migrate(database.url)).not.toEqual([]);
  expect(await migrate(database.url)).toEqual([]);
  expect(await database.query('SELECT * FROM orders')).toEqual([{ id: 1 }]);
});

test('a migration that fails is applied not even in part, and goes through once the cause is cured', async () => {
  await database.query('CREATE DOMAIN user_tombstones AS text');
  await expect(migrate(database.url)).rejects.toThrow(/user_tombstones/);
  expect(await tables()).toEqual([]);
  await database.query('DROP DOMAIN user_tombstones');
  expect(await migrate(database.url)).not.toEqual([]);
});

test('a migration that fails goes through once the cause is cured (second half alone)', async () => {
  await database.query('CREATE DOMAIN users AS text');
  await expect(migrate(database.url)).rejects.toThrow(/users/);
  await database.query('DROP DOMAIN users');
  expect(await migrate(database.url)).not.toEqual([]);
});
