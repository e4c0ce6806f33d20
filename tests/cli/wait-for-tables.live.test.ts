import { isDeepStrictEqual } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { migrate } from '../../src/db/migrate.js';
import { createEmptyDatabase, type EmptyDatabase } from '../db/empty-database.js';
import { SECRET } from '../starter/start-test-starter.js';
import { fromSetUp } from '../support/from-set-up.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { waitUntil } from '../support/wait-until.js';
import { endCommands, type RunningCommand, runCommand } from './run-command.js';

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.stop());
afterEach(endCommands);

const run = (command: 'starter' | 'worker', databaseUrl: string) =>
  runCommand(command, {
    PORT: '0',
    HOST: '127.0.0.1',
    DATABASE_URL: databaseUrl,
    CLERK_SECRET_KEY: service.standIn.secretKey,
    CLERK_API_URL: service.standIn.url,
    CLERK_WEBHOOK_SIGNING_SECRET: SECRET,
    TEMPORAL_ADDRESS: fromSetUp('TEST_TEMPORAL_ADDRESS'),
    TEMPORAL_NAMESPACE: service.namespace,
    RECONCILE_INTERVAL_SECONDS: '86400',
  });

/** What /readyz and /metrics say of Postgres. */
async function answers(url: unknown) {
  const [ready, metrics] = await Promise.all([fetch(`${url}/readyz`), fetch(`${url}/metrics`)]);
  const { postgres, code } = (await ready.json()) as { postgres: string; code?: string };
  const [, up] = /^clerk_sync_postgres_up (\d)$/m.exec(await metrics.text()) ?? [];
  return { status: ready.status, postgres, code, up };
}
const MISSING = { status: 503, postgres: 'down', code: 'SCHEMA_MISSING', up: '0' };
const AWAY = { status: 503, postgres: 'down', code: 'POSTGRES_UNAVAILABLE', up: '0' };
const READY = { status: 200, postgres: 'ok', code: undefined, up: '1' };

/** On a busy machine one answer may be late, and then both say so. */
const untilAnswers = (url: unknown, expected: object) =>
  waitUntil(async () => isDeepStrictEqual(await answers(url), expected), {
    describe: () => answers(url),
    timeoutMs: 30_000,
  });

/** @returns the first line that tells this problem with Postgres. */
const tellsOf = (command: RunningCommand, code: string) =>
  waitUntil(() => command.logs().find((line) => line.msg === 'Waiting for Postgres' && line.code === code), {
    describe: command.output,
    timeoutMs: 30_000,
  });

describe('where the tables are not there', () => {
  let empty: EmptyDatabase;
  beforeAll(async () => {
    empty = await createEmptyDatabase();
  });
  afterAll(() => empty.drop());

  test('both processes say so at their start, with the cure, and go on once they are; readiness and metric agree', async () => {
    const starter = run('starter', empty.url);
    const worker = run('worker', empty.url);
    const { url } = await starter.logged('Starter listening');
    for (const command of [starter, worker]) {
      const line = await tellsOf(command, 'SCHEMA_MISSING');
      expect(line?.detail).toContain('Run `clerk-sync migrate`');
    }
    await untilAnswers(url, MISSING);
    await migrate(empty.url);
    for (const command of [starter, worker]) await command.logged('Postgres is ready');
    await untilAnswers(url, READY);
  });

  test('a migration that was not applied is named', async () => {
    await migrate(empty.url);
    await empty.query('DELETE FROM clerk_sync_migrations');
    const worker = run('worker', empty.url);
    await tellsOf(worker, 'SCHEMA_MISSING');
    expect(worker.output()).toMatch(/Not applied yet: \d{14}_\w+.*Run `clerk-sync migrate`/);
  });
});

test('while Postgres is away both say so and live on; readiness and metric agree', async () => {
  await service.database.goDown();
  try {
    const starter = run('starter', service.database.url);
    const worker = run('worker', service.database.url);
    const { url } = await starter.logged('Starter listening');
    for (const command of [starter, worker]) await tellsOf(command, 'POSTGRES_UNAVAILABLE');
    await untilAnswers(url, AWAY);
    await service.database.comeBack();
    for (const command of [starter, worker]) await command.logged('Postgres is ready');
    await untilAnswers(url, READY);
    for (const command of [starter, worker]) {
      command.signal('SIGTERM');
      expect(await command.exited).toEqual({ code: 0, signal: null });
    }
  } finally {
    await service.database.comeBack();
  }
});
