import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { turnOnHooks } from '../../src/db/turn-on-hooks.js';
import { changeRow, MINUTE_MS, runRow } from '../db/log-rows.js';
import { connectedDatabase } from '../support/connected-database.js';
import { clockAhead } from './clock-ahead.js';
import { endCommands, runCommand } from './run-command.js';

const own = connectedDatabase();
beforeEach(async () => {
  await own.db.reconcileRun.deleteMany();
  await own.db.syncFailure.deleteMany();
  await own.db.hooksSwitch.deleteMany();
});
afterEach(endCommands);

async function status(env: Record<string, string> = {}, ...options: string[]) {
  const command = runCommand('status', { DATABASE_URL: own.database.url, ...env }, options);
  const { code } = await command.exited;
  return { code, output: command.output() };
}

test('with DATABASE_URL alone it tells how things stand, and exits with 0 when all is well', async () => {
  await own.db.reconcileRun.create({ data: runRow({ finishedAtMs: Date.now() - 1_000 }) });
  const { code, output } = await status();
  expect(output).toMatch(/^Last reconcile {2}sweep \d+ s ago: nothing to repair, 0 requests to Clerk$/m);
  expect(output).toMatch(/\nAll is well\.\n$/);
  expect(code).toBe(0);
});

test('it exits with 1 and says what to do when no reconcile was completed within ten of its intervals', async () => {
  await own.db.reconcileRun.create({ data: runRow({ finishedAtMs: Date.now() - 5 * MINUTE_MS }) });
  const late = await status();
  expect(late.code).toBe(1);
  expect(late.output).toMatch(/^- No reconcile was completed for [5-9] min\. Is a worker running/m);
  expect(await status({ RECONCILE_INTERVAL_SECONDS: '60' })).toMatchObject({ code: 0 });
});

test.each([
  ['ahead', 10 * MINUTE_MS],
  ['behind', -10 * MINUTE_MS],
])("on a machine whose clock is ten minutes %s, ages are by Postgres' clock all the same", async (_, ms) => {
  await own.db.reconcileRun.create({ data: runRow({ finishedAtMs: Date.now() - 1_000 }) });
  expect((await status(clockAhead(ms))).output).toMatch(/\nAll is well\.\n$/);
  await own.db.reconcileRun.updateMany({ data: { finishedAt: new Date(Date.now() - 5 * MINUTE_MS) } });
  expect((await status(clockAhead(ms))).output).toMatch(/^- No reconcile was completed for [5-9] min\./m);
});

test("it exits with 1 when the worker's clock is off", async () => {
  const data = { ...runRow({ finishedAtMs: Date.now() - 1_000 }), clockAheadSeconds: 600.2 };
  await own.db.reconcileRun.create({ data });
  expect(await status()).toMatchObject({
    code: 1,
    output: expect.stringContaining("- The worker's clock is 10 min ahead of Postgres'."),
  });
});

test('--json is one object with the same verdict', async () => {
  await own.db.syncFailure.create({
    data: {
      clerkId: 'user_1',
      code: 'ROW_REJECTED',
      message: 'A constraint.',
      workflowId: 'w',
      runId: 'r',
      firstFailedAt: new Date(),
      lastFailedAt: new Date(),
    },
  });
  const { code, output } = await status({}, '--json');
  expect(code).toBe(1);
  expect(JSON.parse(output)).toMatchObject({
    ok: false,
    attention: [expect.stringContaining('1 user cannot be written'), expect.stringContaining('No reconcile')],
    lastReconcile: null,
    failures: { unresolved: 1, first: [{ clerkUserId: 'user_1', code: 'ROW_REJECTED' }] },
    webhooks: { verdict: 'ok' },
  });
});

test('where hooks are on it tells how far they are behind, in --json as well, and exits with 1 once they are late', async () => {
  await own.db.reconcileRun.create({ data: runRow({ finishedAtMs: Date.now() - 1_000 }) });
  expect(JSON.parse((await status({}, '--json')).output)).toMatchObject({ ok: true, hooks: null });
  await turnOnHooks(own.db, false);
  const oldestAt = new Date(Date.now() - 5 * MINUTE_MS);
  const change = changeRow({ writer: 'webhook', changedAtMs: oldestAt.getTime() });
  const { id } = await own.db.userChange.create({ data: change });
  const early = await status();
  expect(early.output).toMatch(/^Hooks {11}1 pending, the oldest for [5-9] min\n\nAll is well\.$/m);
  expect(early.code).toBe(0);
  const changedAt = new Date(Date.now() - 20 * MINUTE_MS);
  await own.db.userChange.update({ where: { id }, data: { changedAt } });
  const late = await status({}, '--json');
  expect(late.code).toBe(1);
  expect(JSON.parse(late.output)).toMatchObject({
    ok: false,
    attention: [expect.stringMatching(/Hooks are behind: 1 change pending, the oldest for 2\d min\./)],
    hooks: { pending: 1, oldestAt: changedAt.toISOString(), failed: 0, firstFailed: [] },
  });
});

test('where Postgres does not answer it exits with 1 and names the address, without the password', async () => {
  const { code, output } = await status({ DATABASE_URL: 'postgres://somebody:pass-marker@127.0.0.1:9/none' });
  expect(code).toBe(1);
  expect(output).toContain('127.0.0.1:9');
  expect(output).not.toContain('pass-marker');
});

test('before the migration it exits with 1 and says that the schema is missing', async () => {
  const url = new URL(own.database.url);
  url.pathname = 'postgres';
  const { code, output } = await status({ DATABASE_URL: url.href });
  expect(code).toBe(1);
  expect(output).toMatch(/table or column .* is missing/);
});
