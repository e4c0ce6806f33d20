import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createEmptyDatabase, type EmptyDatabase } from '../db/empty-database.js';
import { waitUntil } from '../support/wait-until.js';
import { endCommands, runCommand } from './run-command.js';

let database: EmptyDatabase;
beforeEach(async () => {
  database = await createEmptyDatabase();
});
afterEach(async () => {
  await endCommands();
  await database.drop();
});

const migrate = async () => {
  const command = runCommand('migrate', { DATABASE_URL: database.url });
  const exit = await command.exited;
  return { ...exit, output: command.output() };
};

test('it says which migrations it applied, and the next time that there is nothing to do', async () => {
  expect(await migrate()).toMatchObject({
    code: 0,
    output: expect.stringMatching(/^Applied \d{14}_\w+.*\.\n$/),
  });
  expect(await database.query('SELECT count(*)::int AS users FROM users')).toEqual([{ users: 0 }]);
  expect(await migrate()).toMatchObject({ code: 0, output: 'The database is up to date.\n' });
});

test('it ends as soon as it is done', async () => {
  const startedMs = performance.now();
  const command = runCommand('migrate', { DATABASE_URL: database.url });
  await waitUntil(() => command.output().includes('Applied'), { describe: command.output });
  const doneMs = performance.now();
  await command.exited;
  // On this machine as it is now: a connection or a timer left open would keep it for longer than all the rest took.
  expect(performance.now() - doneMs).toBeLessThan(doneMs - startedMs);
});

test('without DATABASE_URL it exits with 1 and names the setting', async () => {
  const command = runCommand('migrate');
  expect(await command.exited).toEqual({ code: 1, signal: null });
  expect(command.output()).toContain('DATABASE_URL is missing');
});

test('where the password is wrong it exits with 1 and says where, what and what to do', async () => {
  const url = new URL(database.url);
  url.password = 'pass-marker';
  const command = runCommand('migrate', { DATABASE_URL: url.href });
  expect(await command.exited).toEqual({ code: 1, signal: null });
  expect(command.output()).toMatch(/^127\.0\.0\.1:\d+: .+\nThe user name or the password is wrong\. Correct/);
  expect(command.output()).not.toContain('pass-marker');
});

test('where no Postgres answers it exits with 1 and says so, without the password', async () => {
  const command = runCommand('migrate', { DATABASE_URL: 'postgres://somebody:pass-marker@127.0.0.1:9/none' });
  expect(await command.exited).toEqual({ code: 1, signal: null });
  expect(command.output()).toContain('127.0.0.1:9');
  expect(command.output()).toContain('Nothing listens at that host and port. Start Postgres there');
  expect(command.output()).not.toContain('pass-marker');
});
