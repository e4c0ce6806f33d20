import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { STATUS_QUERY } from '../../src/names.js';
import { fromSetUp } from '../support/from-set-up.js';
import { heldDeletions } from '../support/reconciling.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { waitUntil } from '../support/wait-until.js';
import { endCommands, type RunningCommand, runCommand } from './run-command.js';
import { startTcpProxy } from './tcp-proxy.js';

const USERS = 30;

let service: TestService;
beforeAll(async () => {
  service = await startTestService({ standIn: { seedUsers: USERS, rateLimit: null } });
});
afterAll(() => service.stop());
afterEach(async () => {
  await endCommands();
  await service.stopWorker();
});

const start = (options: readonly string[], env: Record<string, string> = {}): RunningCommand =>
  runCommand(
    'reconcile',
    { TEMPORAL_ADDRESS: fromSetUp('TEST_TEMPORAL_ADDRESS'), TEMPORAL_NAMESPACE: service.namespace, ...env },
    options,
  );

/** Runs it beside a worker, to its end. */
async function reconcile(options: readonly string[] = [], env: Record<string, string> = {}) {
  await service.startWorker();
  const command = start(options, env);
  const { code } = await command.exited;
  return { code, output: command.output() };
}

const said = (command: RunningCommand, text: string) =>
  waitUntil(() => command.output().includes(text), { describe: command.output });
const payloadsOf = (history: string): string[] =>
  [...history.matchAll(/"data":"([^"]*)"/g)].map(([, data = '']) => Buffer.from(data, 'base64').toString());
const rows = () => service.db.user.count({ where: { deletedAt: null } });
const someUser = (): string => service.standIn.users.ids()[0] ?? '';

test('a plan of an empty table counts every user, writes nothing and exits with 2', async () => {
  const { code, output } = await reconcile(['--plan']);
  expect(output).toMatch(/^ {2}missed_create {2}30 {2}Clerk has the user/m);
  expect(output).toContain(someUser());
  expect(output).toContain('Nothing was written.');
  expect(code).toBe(2);
  expect(await rows()).toBe(0);
  expect(await service.db.userChange.count()).toBe(0);
});

test('without options it repairs, then shows that both are equal', async () => {
  const { code, output } = await reconcile();
  expect(output).toMatch(/^ {2}missed_create {2}30 /m);
  expect(output).toMatch(/\nClerk and the table are equal\.\n/);
  expect(code).toBe(0);
  expect(await rows()).toBe(USERS);
});

test('a plan tells which fields differ; a validation of the same exits with 1, a repair with 0', async () => {
  service.standIn.users.updateUser(someUser(), { first_name: 'Marker' });
  const plan = await reconcile(['--plan']);
  expect(plan.output).toMatch(/^ {2}firstName {2}1$/m);
  expect(plan.output).toMatch(
    new RegExp(`^ {2}${someUser()} {2}missed_update {2}for \\d+ (s|min) {2}.*firstName`, 'm'),
  );
  expect(plan.output).not.toContain('Marker');
  expect(plan.code).toBe(2);
  await service.stopWorker();
  const validation = await reconcile(['--validate']);
  expect(validation).toMatchObject({
    code: 1,
    output: expect.stringContaining('Clerk and the table differ:'),
  });
  await service.stopWorker();
  expect(await reconcile(['--no-validate'])).toMatchObject({ code: 0 });
  await service.stopWorker();
  expect(await reconcile(['--validate'])).toMatchObject({
    code: 0,
    output: expect.stringContaining('Clerk and the table are equal.'),
  });
});

test('--values shows what a field holds here and in Clerk, and Temporal never learns it', async () => {
  service.standIn.users.updateUser(someUser(), { first_name: 'Valuable' });
  const { code, output } = await reconcile(['--plan', '--values'], {
    DATABASE_URL: service.database.url,
    CLERK_SECRET_KEY: service.standIn.secretKey,
    CLERK_API_URL: service.standIn.url,
  });
  expect(output).toContain('firstName: "Marker" -> "Valuable"');
  expect(code).toBe(2);
  const payloads: string[] = [];
  for await (const { workflowId, runId } of service.client.workflow.list()) {
    const history = await service.client.workflow.getHandle(workflowId, runId).fetchHistory();
    payloads.push(...payloadsOf(JSON.stringify(history)));
  }
  expect(payloads.join()).toContain(someUser());
  expect(payloads.join()).not.toMatch(/Valuable|Marker/);
  await service.stopWorker();
  expect(await reconcile(['--no-validate'])).toMatchObject({ code: 0 });
});

test('--json is one object on standard output, with the exit code and both results', async () => {
  await service.startWorker();
  const command = start(['--json']);
  expect(await command.exited).toEqual({ code: 0, signal: null });
  const json = command.output().slice(command.output().indexOf('{'));
  expect(JSON.parse(json)).toMatchObject({
    exitCode: 0,
    asked: 'apply',
    result: { kind: 'sweep', mode: 'apply', seen: USERS },
    validation: { mode: 'plan', drift: { missed_create: 0 } },
  });
});

test('without a worker it says so, goes on waiting, and finishes once one is there', async () => {
  const command = start(['--no-validate']);
  await said(command, 'No worker answers: start one with `clerk-sync worker`.');
  await service.startWorker();
  expect(await command.exited).toEqual({ code: 0, signal: null });
  expect(command.output().match(/No worker answers/g)).toHaveLength(1);
});

/** A reconcile that a worker has taken up and that stands still. */
async function startPaused() {
  const command = start(['--no-validate']);
  await said(command, 'Started reconcile-by-hand-');
  const handle = handleOf(command);
  await handle.signal('pause');
  await service.startWorker();
  await waitUntil(async () => (await handle.query<{ state: string }>(STATUS_QUERY)).state === 'paused', {
    describe: command.output,
    timeoutMs: 30_000,
  });
  return { command, handle };
}

function handleOf(command: RunningCommand) {
  const [, workflowId = ''] = command.output().match(/Started (\S+)\./) ?? [];
  return service.client.workflow.getHandle(workflowId);
}

test.each(['SIGINT', 'SIGTERM'] as const)('%s cancels the workflow, and it exits with 130', async (name) => {
  const { command, handle } = await startPaused();
  command.signal(name);
  expect(await command.exited).toEqual({ code: 130, signal: null });
  expect(command.output()).toContain('Cancelling the reconcile');
  await waitUntil(async () => (await handle.describe()).status.name === 'CANCELLED', { timeoutMs: 30_000 });
});

describe('a signal ends it within seconds', () => {
  /** Twice what it takes on a machine that has nothing else to do. */
  const WITHIN_MS = 15_000;
  const endsSoon = async (command: RunningCommand) => {
    const toldMs = performance.now();
    command.signal('SIGTERM');
    expect(await command.exited).toEqual({ code: 130, signal: null });
    expect(performance.now() - toldMs).toBeLessThan(WITHIN_MS);
  };

  test('while no worker runs; the workflow has been told', async () => {
    const command = start([]);
    await said(command, 'Started reconcile-by-hand-');
    await endsSoon(command);
    expect(command.output()).toContain('Not waiting any longer.');
    await service.startWorker();
    await waitUntil(async () => (await handleOf(command).describe()).status.name === 'CANCELLED', {
      timeoutMs: 30_000,
    });
  });

  test('while the tables are not there; before, it says which activity fails, and what to do', async () => {
    await service.db.$executeRaw`ALTER TABLE reconcile_runs RENAME TO away`;
    try {
      await service.startWorker();
      const command = start([]);
      await said(command, 'SCHEMA_MISSING: ');
      expect(command.output()).toMatch(
        /^\w+ fails, attempt \d+\. SCHEMA_MISSING: .+\n {2}Run `clerk-sync migrate`/m,
      );
      await endsSoon(command);
      await handleOf(command).terminate();
    } finally {
      await service.db.$executeRaw`ALTER TABLE away RENAME TO reconcile_runs`;
    }
  });

  test('while Temporal hangs', async () => {
    const proxy = await startTcpProxy(fromSetUp('TEST_TEMPORAL_ADDRESS'));
    try {
      const command = start([], { TEMPORAL_ADDRESS: proxy.address });
      await said(command, 'Started reconcile-by-hand-');
      proxy.hold();
      await endsSoon(command);
      await handleOf(command).terminate();
    } finally {
      await proxy.close();
    }
  });
});

test('it says which request to Clerk fails, and goes on once that goes through', async () => {
  const heal = service.standIn.failWith({ kind: 'status', status: 500, pathPrefix: '/v1/users' });
  const command = start(['--no-validate']);
  await service.startWorker();
  await said(command, 'CLERK_UNAVAILABLE');
  expect(command.output()).toMatch(/^\w+ fails, attempt \d+\. CLERK_UNAVAILABLE: .*GET \/users.*status 500/m);
  heal();
  expect(await command.exited).toEqual({ code: 0, signal: null });
});

test('a second Ctrl-C leaves at once, though nobody has answered', async () => {
  const command = start([]);
  await said(command, 'Started reconcile-by-hand-');
  command.signal('SIGINT');
  await said(command, 'Cancelling the reconcile');
  command.signal('SIGINT');
  expect(await command.exited).toEqual({ code: 130, signal: null });
});

test('a paused reconcile says so, warns of nothing however long it waits, and goes on when it is told to', async () => {
  const { command, handle } = await startPaused();
  // A line every five seconds, each after ten questions.
  await waitUntil(
    () => (command.output().match(/paused, waiting for the signal resume/g) ?? []).length >= 3,
    {
      describe: command.output,
      timeoutMs: 50_000,
    },
  );
  await handle.signal('resume');
  expect(await command.exited).toEqual({ code: 0, signal: null });
  expect(command.output()).not.toMatch(/warning/i);
});

test('where no Temporal answers it exits with 1 and names the address', async () => {
  const command = start([], { TEMPORAL_ADDRESS: '127.0.0.1:9' });
  expect(await command.exited).toEqual({ code: 1, signal: null });
  expect(command.output()).toMatch(/Temporal at 127\.0\.0\.1:9 \(namespace \S+\) does not answer\./);
});

test.each([
  [['--values'], '--plan'],
  [['--values', '--plan', '--json'], '--json'],
  [['--values', '--plan'], 'CLERK_SECRET_KEY is missing'],
  [['--most-deletions', 'all'], 'whole number'],
])('%j is refused before anything starts', async (options, word) => {
  const command = start(options);
  expect(await command.exited).toEqual({ code: 1, signal: null });
  expect(command.output()).toContain(word);
  expect(command.output()).not.toContain('Started');
});

test('withheld deletions end it with 1, with the commands that decide, and the rows stay', async () => {
  for (const id of service.standIn.users.ids().slice(0, 12)) service.standIn.users.deleteUser(id);
  const { code, output } = await reconcile();
  expect(output).toContain('Deletions withheld, for they are too many to be made without you: 12.');
  expect(output).toContain(
    'temporal workflow signal --workflow-id delete-gone-users --name approveDeletions',
  );
  expect(output).toMatch(/differ:\n\n {2}missed_delete {2}12 /);
  expect(code).toBe(1);
  expect(await rows()).toBe(USERS);
});

test('rows kept by rejectDeletions are settled: it exits with 0, and names the command that deletes them, which does', async () => {
  await service.startWorker();
  const held = heldDeletions(service);
  await held.signal('rejectDeletions');
  await held.result();
  await service.stopWorker();
  const { code, output } = await reconcile();
  expect(output).toContain('equal, but for 12 rows that an operator kept');
  const [, command = ''] = output.match(/^ {2}clerk-sync reconcile (.*)$/m) ?? [];
  expect(command).toBe('--most-deletions 12');
  expect(code).toBe(0);
  expect(await rows()).toBe(USERS);
  await service.stopWorker();
  expect(await reconcile(command.split(' '))).toMatchObject({ code: 0 });
  expect(await rows()).toBe(USERS - 12);
});
