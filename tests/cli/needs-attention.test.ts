import { expect, test } from '@jest/globals';
import { needsAttention } from '../../src/cli/needs-attention.js';
import { statusText } from '../../src/cli/status-text.js';
import type { HooksBacklog } from '../../src/db/hooks-backlog.js';
import type { CompletedRun, SyncStatus } from '../../src/db/read-status.js';
import { namesFor } from '../../src/names.js';

const NOW_MS = 1_750_000_000_000;
const INTERVAL_MS = 15_000;
const SWEEP_INTERVAL_MS = 3_600_000;
const ago = (ms: number) => new Date(NOW_MS - ms);

const run = (given: Partial<CompletedRun> = {}): CompletedRun => ({
  kind: 'sweep',
  finishedAt: ago(8_000),
  repaired: { missed_create: 0, missed_update: 0, missed_delete: 0, phantom: 0 },
  withheld: 0,
  unasked: 0,
  problems: [],
  failed: 0,
  clerkRequests: 7,
  clerkUsers: 2_003,
  liveRows: 2_003,
  clockAheadSeconds: 0.2,
  ...given,
});
const statusOf = (given: Partial<SyncStatus> = {}): SyncStatus => ({
  instance: { instanceId: 'ins_1', adoptedAt: ago(86_400_000) },
  liveRows: 2_003,
  deletedRows: 12,
  lastReconcile: run(),
  lastSweep: run(),
  running: null,
  webhooks: { verdict: 'ok', repaired: 0, delivered: 4 },
  failures: { unresolved: 0, first: [] },
  emailsTaken: { unresolved: 0, first: [] },
  deletionsWaiting: 0,
  deletionsKept: 0,
  goneRows: 0,
  erasing: null,
  foreignRows: 0,
  hooks: null,
  ...given,
});
const attention = (given: Partial<SyncStatus> = {}) =>
  needsAttention(statusOf(given), NOW_MS, INTERVAL_MS, SWEEP_INTERVAL_MS);
const text = (given: Partial<SyncStatus> = {}) => statusText(statusOf(given), attention(given), NOW_MS);

test.each([
  [600, '10 min ahead of'],
  [-61, '61 s behind'],
])("a worker's clock %i s ahead of Postgres' needs a person", (clockAheadSeconds, how) => {
  expect(attention({ lastReconcile: run({ clockAheadSeconds }) })).toEqual([
    expect.stringMatching(new RegExp(`^The worker's clock is ${how} Postgres'\\. Set the one that is wrong`)),
  ]);
  expect(attention({ lastReconcile: run({ clockAheadSeconds: 60 }) })).toEqual([]);
});

test('when all is well nothing needs a person', () => {
  expect(attention()).toEqual([]);
  expect(text()).toBe(`Instance        ins_1, adopted 2025-06-14T15:06:40.000Z
Rows            2,003 live, 12 deleted
Last reconcile  sweep 8 s ago: nothing to repair, 7 requests to Clerk
Last sweep      8 s ago
Webhooks        ok: 0 repaired, 4 delivered in 15 min
Failures        none
Deletions       none wait

All is well.`);
});

test.each(['silent', 'lossy'] as const)('%s webhooks need one, who is told where to look', (verdict) => {
  const [only, ...more] = attention({ webhooks: { verdict, repaired: 7, delivered: 2 } });
  expect(more).toEqual([]);
  expect(only).toMatch(
    new RegExp(
      `^Webhooks are ${verdict}: 7 changes had to be repaired in the last 15 minutes.*dashboard.*starter's log`,
    ),
  );
});

test('users who cannot be written are named with their codes, and how many there are besides', () => {
  const first = [{ clerkUserId: 'user_1', code: 'ROW_REJECTED' }];
  const [only] = attention({ failures: { unresolved: 3, first } });
  expect(only?.split('\n')).toEqual([
    expect.stringContaining('3 users cannot be written'),
    '  user_1  ROW_REJECTED',
    '  and 2 others',
  ]);
});

test('users who were written without their e-mail are counted apart, and nobody is told to retry', () => {
  const first = [{ clerkUserId: 'user_1', code: 'EMAIL_TAKEN' }];
  const given = { emailsTaken: { unresolved: 2, first } };
  const [only, ...more] = attention(given);
  expect(more).toEqual([]);
  expect(only?.split('\n')).toEqual([
    expect.stringMatching(
      /^2 users were written without e-mail: .*take the address from one of the two.*next reconcile/,
    ),
    '  user_1  EMAIL_TAKEN',
    '  and 1 other',
  ]);
  expect(only).not.toContain('retry');
  expect(text(given)).toMatch(/^Failures {8}none\nE-mails {9}2 users without, as another has it$/m);
});

test('deletions that wait come with the commands that decide', () => {
  const [only] = attention({ deletionsWaiting: 40 });
  expect(only).toContain('Deletions that wait for you: 40.');
  expect(only).toContain(
    'temporal workflow signal --workflow-id delete-gone-users --name approveDeletions\n',
  );
  expect(only).toMatch(
    /temporal workflow signal --workflow-id delete-gone-users --name rejectDeletions\n.*clerk-sync reconcile/,
  );
});

const backlog = (waitedMs: number, given: Partial<HooksBacklog> = {}): HooksBacklog => ({
  pending: 40,
  oldestAt: ago(waitedMs),
  failed: 0,
  firstFailed: [],
  ...given,
});

test('hooks have a line where they are on, and none where they are off', () => {
  expect(text()).not.toMatch(/^Hooks/m);
  expect(text({ hooks: backlog(0, { pending: 0, oldestAt: null }) })).toMatch(/^Hooks {11}none pending$/m);
  expect(text({ hooks: backlog(0, { oldestAt: null }) })).toMatch(/^Hooks {11}40 pending$/m);
  const hooks = backlog(150_000, { failed: 1 });
  expect(text({ hooks })).toMatch(
    /^Hooks {11}40 pending, the oldest for 3 min, those of 1 user have failed\n\nAll is well\.$/m,
  );
});

test('hooks need a person when the oldest has waited for 15 minutes, and not a moment sooner', () => {
  expect(attention({ hooks: backlog(15 * 60_000) })).toEqual([]);
  const [only, ...more] = attention({ hooks: backlog(15 * 60_000 + 1) });
  expect(more).toEqual([]);
  expect(only).toMatch(
    /^Hooks are behind: 40 changes pending, the oldest for 15 min\. No hook has failed\.\n/,
  );
});

test('hooks that are behind come with the users whose hooks fail, and with the commands that tell and help', () => {
  const firstFailed = [{ clerkUserId: 'user_1', revision: 3, failures: 14 }];
  const [only] = attention({ hooks: backlog(90 * 60_000, { failed: 3, firstFailed }) });
  expect(only?.split('\n').slice(0, 3)).toEqual([
    expect.stringMatching(/the oldest for 90 min\. Those of 3 users have failed.*pending_hooks\.failure/),
    '  user_1  revision 3, 14 failed attempts',
    '  and 2 others',
  ]);
  for (const command of [
    `workflow list --query 'WorkflowType="runUserHooks" AND ExecutionStatus="Running" AND TaskQueue="clerk-sync"'`,
    'workflow signal --workflow-id user-hooks/<clerk id> --name retry',
    'workflow signal --workflow-id user-hooks/<clerk id> --name skip --input <revision>',
    'task-queue describe --task-queue clerk-hooks',
  ])
    expect(only).toContain(`\n  temporal ${command}\n`);
  expect(only).toMatch(
    /Schedule dispatch-user-hooks may be paused, or no worker has hooks \(CLERK_SYNC_CONFIG\)/,
  );
});

test('a reconcile is late after ten intervals, and not a moment sooner', () => {
  expect(attention({ lastReconcile: run({ finishedAt: ago(10 * INTERVAL_MS) }) })).toEqual([]);
  expect(attention({ lastReconcile: run({ finishedAt: ago(10 * INTERVAL_MS + 1) }) })).toEqual([
    'No reconcile was completed for 3 min. Is a worker running, and is neither the schedule reconcile-users nor its open run paused? If that run is open, its pending activity in the Web UI says what it waits for (Clerk, the key, Postgres).',
  ]);
});

test('a sweep is late after three of its intervals, though reconciles are completed', () => {
  expect(attention({ lastSweep: run({ finishedAt: ago(3 * SWEEP_INTERVAL_MS) }) })).toEqual([]);
  expect(attention({ lastSweep: run({ finishedAt: ago(4 * SWEEP_INTERVAL_MS) }) })).toEqual([
    'No sweep was completed for 4 h, so lost deletions are not found. Is the schedule sweep-users paused? If its run is open, its pending activity in the Web UI says what it waits for (Clerk, the key, Postgres).',
  ]);
});

test('before the first reconcile is completed it is said which one runs', () => {
  const running = { kind: 'sweep', startedAt: ago(240_000), seen: 900 };
  expect(attention({ lastReconcile: null, lastSweep: null, running })).toEqual([
    'No reconcile was completed yet. A sweep has been running for 4 min; the Web UI shows how far it is, or what it waits for.',
  ]);
  expect(text({ instance: null, lastReconcile: null, lastSweep: null, running })).toContain(
    'Running         sweep since 4 min',
  );
});

test('everything that needs a person is told, all at once', () => {
  const all = attention({
    webhooks: { verdict: 'silent', repaired: 3, delivered: 0 },
    failures: { unresolved: 1, first: [{ clerkUserId: 'user_1', code: 'ROW_REJECTED' }] },
    deletionsWaiting: 1,
    hooks: backlog(3_600_000),
    lastReconcile: null,
  });
  expect(all).toHaveLength(5);
  expect(text({ deletionsWaiting: 1 })).toContain('\n\n- Deletions that wait for you: 1.\n  First look');
});

test('rows that an operator keeps are told with the command that deletes them, and ask nothing of anybody', () => {
  expect(attention({ deletionsKept: 64 })).toEqual([]);
  expect(text({ deletionsKept: 64, deletionsWaiting: 2, goneRows: 67 })).toMatch(
    /^Deletions {7}2 wait, 64 rows kept by rejectDeletions \(to delete: clerk-sync reconcile --most-deletions 67\)$/m,
  );
});

test('deleted users that are to be erased are told, and need a person once an hour has made them no fewer', () => {
  const erasing = { toErase: 50_000, anHourBefore: null };
  expect(attention({ erasing })).toEqual([]);
  expect(text({ erasing })).toMatch(
    /^Erasing {9}50,000 deleted users to be erased, as of the last reconcile$/m,
  );
  expect(attention({ erasing: { toErase: 0, anHourBefore: 0 } })).toEqual([]);
  expect(attention({ erasing: { toErase: 9, anHourBefore: 10 } })).toEqual([]);
  expect(attention({ erasing: { toErase: 10, anHourBefore: 10 } })).toEqual([
    expect.stringMatching(/^10 deleted users should have been .* erase-deleted-users waits for/),
  ]);
});

test('what the last reconcile left undone is told with the request that failed, and so is what the last sweep could not ask', () => {
  const problem = 'Clerk was asked by id, and failed: GET /users: status 422.';
  const counted = "Clerk's users could not be counted: GET /users/count: status 500.";
  const lastSweep = run({ unasked: 3, problems: [problem] });
  const lastReconcile = run({ kind: 'delta', problems: [counted] });
  const [only = '', ...others] = attention({ lastSweep, lastReconcile });
  expect(others).toEqual([]);
  expect(only).toMatch(/^The last reconcile left something undone.* 3 rows that Clerk did not list/);
  expect(only.split('\n').slice(1)).toEqual([`  ${counted}`, `  ${problem}`]);
  expect(text({ lastReconcile: lastSweep })).toContain('3 deletions not asked about');
  // What a sweep left undone, and the next reconcile did not, is over.
  expect(attention({ lastSweep: run({ problems: [counted] }) })).toEqual([]);
});

test("live rows of an id that is none of Clerk's are told, and ask nothing of anybody", () => {
  expect(attention({ foreignRows: 2 })).toEqual([]);
  expect(text({ foreignRows: 2 })).toContain(
    "2,003 live, 12 deleted; 2 of the live ones have an id that is none of Clerk's, and stay",
  );
});

test('what the last reconcile did is told by label, with what it left', () => {
  const repaired = { missed_create: 1_200, missed_update: 0, missed_delete: 0, phantom: 1 };
  expect(text({ lastReconcile: run({ repaired, withheld: 40, failed: 2, clerkRequests: 1 }) })).toContain(
    'sweep 8 s ago: repaired 1,200 missed_create, 1 phantom, 40 deletions withheld, 2 failed, 1 request to Clerk',
  );
});

test('with a prefix, the commands name what that service has in Temporal', () => {
  const told = needsAttention(
    statusOf({
      failures: { unresolved: 1, first: [{ clerkUserId: 'user_a', code: 'ROW_REJECTED' }] },
      deletionsWaiting: 2,
    }),
    NOW_MS,
    INTERVAL_MS,
    SWEEP_INTERVAL_MS,
    namesFor('staging-'),
  ).join('\n');
  expect(told).toContain('--workflow-id staging-sync-user/<clerk id> --name retry');
  expect(told).toContain('--workflow-id staging-delete-gone-users --name approveDeletions');
});
