import { PassThrough } from 'node:stream';
import type { WriteStream } from 'node:tty';
import { expect, test } from '@jest/globals';
import { progressOf, showProgress } from '../../src/cli/reconcile-progress.js';
import { noTotals } from '../../src/reconcile-totals.js';
import type { ReconcileResult, ReconcileStatus } from '../../src/workflows/reconcile-messages.js';

const status = (given: Partial<ReconcileStatus> = {}): ReconcileStatus => ({
  kind: 'sweep',
  mode: 'apply',
  state: 'reading',
  totals: { ...noTotals(), seen: 1_200 },
  expectedPages: 5,
  clerkUsers: 2_003,
  usersPerSecond: 399.6,
  secondsLeft: 2,
  ...given,
});

test.each<[string, Partial<ReconcileStatus>]>([
  ['sweep: 1,200 of 2,003 users, 400 a second, 2 s left', {}],
  ['sweep: 1,200 of 2,003 users, 400 a second', { secondsLeft: null }],
  ['sweep: 1,200 of 2,003 users, paused, waiting for the signal resume', { state: 'paused' }],
  ['sweep: 1,200 of 2,003 users, asking Clerk about rows that it did not list', { state: 'asking' }],
  ['counting users', { kind: null, state: 'preparing', clerkUsers: 0, totals: noTotals() }],
])('%s', (words, given) => {
  expect(progressOf(status(given)).words).toBe(words);
});

test('users who sign up meanwhile do not carry it beyond its end', () => {
  expect(progressOf(status({ clerkUsers: 1_000 }))).toMatchObject({ seen: 1_200, total: 1_200 });
});

const RESULT: ReconcileResult = {
  ...noTotals(),
  kind: 'sweep',
  mode: 'apply',
  summary: '',
  drift: { missed_create: 0, missed_update: 0, missed_delete: 0, phantom: 0 },
  problems: [],
  windows: 1,
  clerkUsers: 0,
  liveRows: 0,
};

function stream(isTTY: boolean): { stream: WriteStream; written(): string } {
  let written = '';
  const through = new PassThrough().on('data', (chunk: Buffer) => {
    written += chunk.toString();
  });
  const terminal = {
    isTTY,
    columns: 200,
    cursorTo: () => true,
    clearLine: () => true,
    moveCursor: () => true,
  };
  return { stream: Object.assign(through, terminal) as unknown as WriteStream, written: () => written };
}

test('a terminal gets a bar', () => {
  const terminal = stream(true);
  const progress = showProgress(terminal.stream);
  progress.show(status());
  expect(terminal.written()).toMatch(/=+-+ sweep: 1,200 of 2,003 users, 400 a second, 2 s left/);
  progress.stop({ ...RESULT, seen: 2_005 });
  expect(terminal.written()).toMatch(/={40} sweep: 2,005 users/);
});

test('what is no terminal gets a line, not one for each look', () => {
  const file = stream(false);
  const progress = showProgress(file.stream);
  for (let look = 0; look < 10; look++) progress.show(status());
  progress.say('No worker answers.');
  progress.stop();
  expect(file.written()).toBe('sweep: 1,200 of 2,003 users, 400 a second, 2 s left\nNo worker answers.\n');
});
