import { expect, test } from '@jest/globals';
import { Connection, Client as TemporalClient } from '@temporalio/client';
import { Client } from 'pg';
import { SYNC_STATUS_ATTRIBUTE } from '../../src/names.js';
import { fromSetUp } from './from-set-up.js';
import { createTestDatabase } from './test-database.js';
import { createTestNamespace } from './test-namespace.js';
import { waitUntil } from './wait-until.js';

async function query(connectionString: string, statement: string): Promise<unknown[]> {
  const client = new Client({ connectionString });
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}

test('test databases are migrated, and made side by side', async () => {
  const databases = await Promise.all([1, 2, 3, 4].map(() => createTestDatabase()));
  for (const { url } of databases) expect(await query(url, 'SELECT * FROM users')).toEqual([]);
  await Promise.all(databases.map((database) => database.drop()));
});

test('a database that is down ends its connections and refuses new ones, until it comes back', async () => {
  const database = await createTestDatabase();
  const connected = new Client({ connectionString: database.url });
  await connected.connect();
  let lost: Error | undefined;
  connected.on('error', (error) => {
    lost = error;
  });
  await database.goDown();
  await waitUntil(() => lost, { describe: 'the loss of the open connection' });
  await expect(query(database.url, 'SELECT 1')).rejects.toThrow('not currently accepting connections');
  await database.comeBack();
  expect(await query(database.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  await database.drop();
});

test('a test namespace is usable at once, search attribute and schedules too', async () => {
  const namespace = await createTestNamespace();
  const connection = await Connection.connect({
    address: fromSetUp('TEST_TEMPORAL_ADDRESS'),
    connectTimeout: '2m',
  });
  const client = new TemporalClient({ connection, namespace });
  await client.workflow.start('any', {
    workflowId: 'one',
    taskQueue: 'none',
    searchAttributes: { [SYNC_STATUS_ATTRIBUTE]: ['ok'] },
  });
  const schedule = await client.schedule.create({
    scheduleId: 'every-hour',
    spec: { intervals: [{ every: '1 hour' }] },
    action: { type: 'startWorkflow', workflowType: 'any', taskQueue: 'none' },
    state: { triggerImmediately: true },
  });
  await waitUntil(async () => (await schedule.describe()).info.recentActions.length > 0, {
    describe: 'the schedule to fire',
  });
  const { count } = await client.workflow.count(`${SYNC_STATUS_ATTRIBUTE} = "ok"`);
  expect(count).toBe(1);
  await connection.close();
});
