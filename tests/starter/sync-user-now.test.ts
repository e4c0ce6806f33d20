import { describe, expect, test } from '@jest/globals';
import { type Client, WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { failure } from '../../src/failures.js';
import { createSyncUserNow, type SyncUserNowOptions } from '../../src/starter/sync-user-now.js';
import type { UserChange } from '../../src/user-change.js';
import { type SyncNowResult, syncNow } from '../../src/workflows/sync-user-messages.js';
import { type Deferred, deferred } from './deferred.js';

interface Call extends Deferred<SyncNowResult> {
  change: UserChange;
}

function start(options: Partial<SyncUserNowOptions> = {}, pendingFailures: (string | undefined)[] = []) {
  const calls: Call[] = [];
  const signalled: UserChange[] = [];
  const client = {
    withAbortSignal: <T>(_: AbortSignal, run: () => Promise<T>) => run(),
    workflow: {
      executeUpdateWithStart(update: unknown, { args: [change] }: { args: [UserChange] }) {
        expect(update).toBe(syncNow);
        const call = { ...deferred<SyncNowResult>(), change };
        calls.push(call);
        return call.promise;
      },
      getHandle: () => ({
        describe: async () => ({
          raw: {
            pendingActivities: pendingFailures.map((type) => ({
              lastFailure: type === undefined ? null : { applicationFailureInfo: { type } },
            })),
          },
        }),
      }),
    },
  };
  const syncUserNow = createSyncUserNow({
    client: client as unknown as Client,
    lingerMs: 45_000,
    signalUser: async (change) => {
      signalled.push(change);
    },
    ...options,
  });
  return { calls, signalled, syncUserNow };
}
/** Lets everything run that waits for nothing outside. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));
const updateFailed = (cause: Error) => new WorkflowUpdateFailedError('Workflow Update failed', cause);

describe('calls of one user', () => {
  test('share: the first goes alone, all that come meanwhile together, and each hears of its own', async () => {
    const { calls, syncUserNow } = start();
    const first = syncUserNow('user_ada', 'sign-in');
    const others = Array.from({ length: 49 }, () => syncUserNow('user_ada', 'sign-in'));
    const another = syncUserNow('user_bob', 'operator');
    await settled();
    expect(calls.map(({ change }) => change.clerkUserId)).toEqual(['user_ada', 'user_bob']);
    calls[0]?.resolve({ outcome: 'created' });
    expect(await first).toEqual({ kind: 'applied', outcome: 'created' });
    await settled();
    expect(calls).toHaveLength(3);
    calls[2]?.resolve({ outcome: 'unchanged' });
    expect(new Set((await Promise.all(others)).map((answer) => JSON.stringify(answer)))).toEqual(
      new Set(['{"kind":"applied","outcome":"unchanged"}']),
    );
    calls[1]?.resolve({ outcome: 'updated' });
    await another;
  });

  test('that waited behind one which met an outage share its answer; behind one that was refused, they try', async () => {
    const { calls, syncUserNow } = start();
    const unfinished = [syncUserNow('user_ada', 'sign-in'), syncUserNow('user_ada', 'sign-in')];
    await settled();
    calls[0]?.reject(new Error('14 UNAVAILABLE: no connection'));
    for (const answer of await Promise.all(unfinished))
      expect(answer).toMatchObject({ kind: 'failed', code: 'SYNC_UNFINISHED', kept: true });
    expect(calls).toHaveLength(1);

    const [refused, tried] = [syncUserNow('user_ada', 'sign-in'), syncUserNow('user_ada', 'sign-in')];
    await settled();
    calls[1]?.reject(updateFailed(failure('ROW_REJECTED', 'SQLSTATE 23514.')));
    expect(await refused).toMatchObject({ kind: 'failed', code: 'ROW_REJECTED', kept: true });
    await settled();
    calls[2]?.resolve({ outcome: 'created' });
    expect(await tried).toEqual({ kind: 'applied', outcome: 'created' });
  });

  test('are counted where they are their own, and not where an operator made them', async () => {
    const { calls, syncUserNow } = start();
    const sync = async (writer: 'sign-in' | 'operator') => {
      const answer = syncUserNow('user_ada', writer);
      await settled();
      calls.at(-1)?.resolve({ outcome: 'unchanged' });
      return (await answer).kind;
    };
    for (let n = 0; n < 10; n++) expect(await sync('sign-in')).toBe('applied');
    expect(await syncUserNow('user_ada', 'sign-in')).toMatchObject({ code: 'SYNC_TOO_OFTEN', kept: false });
    expect(await sync('operator')).toBe('applied');
  });
});

test("an operator who waits behind a user's own calls is not told that those came too often", async () => {
  const { calls, syncUserNow } = start();
  for (let n = 0; n < 9; n++) {
    const answer = syncUserNow('user_ada', 'sign-in');
    await settled();
    calls.at(-1)?.resolve({ outcome: 'unchanged' });
    await answer;
  }
  const tenth = syncUserNow('user_ada', 'sign-in');
  const eleventh = syncUserNow('user_ada', 'sign-in');
  const operators = syncUserNow('user_ada', 'operator');
  await settled();
  calls[9]?.resolve({ outcome: 'unchanged' });
  await tenth;
  await settled();
  calls[10]?.resolve({ outcome: 'updated' });
  expect(await operators).toEqual({ kind: 'applied', outcome: 'updated' });
  expect(await eleventh).toEqual({ kind: 'applied', outcome: 'updated' });
  expect(calls[10]?.change.writer).toBe('operator');
});

test('a run that continued as new is called again', async () => {
  const { calls, signalled, syncUserNow } = start();
  const answer = syncUserNow('user_ada', 'sign-in');
  await settled();
  calls[0]?.resolve({ outcome: null });
  await settled();
  calls[1]?.resolve({ outcome: 'updated' });
  expect(await answer).toEqual({ kind: 'applied', outcome: 'updated' });
  expect(signalled).toEqual([]);
});

describe('without an answer in time', () => {
  test("the change is handed over, and the answer names what the run's activity fails with", async () => {
    const { calls, signalled, syncUserNow } = start({ deadlineMs: 20 }, [undefined, 'CLERK_RATE_LIMITED']);
    expect(await syncUserNow('user_ada', 'sign-in')).toMatchObject({
      kind: 'failed',
      code: 'CLERK_RATE_LIMITED',
      kept: true,
    });
    expect(signalled).toEqual([calls[0]?.change]);
  });

  test('and when Temporal does not take it either, nothing is promised', async () => {
    const never = new Promise<void>(() => undefined);
    for (const signalUser of [() => never, () => Promise.reject(failure('TEMPORAL_UNAVAILABLE', 'Now.'))]) {
      const { syncUserNow } = start({ deadlineMs: 20, signalUser });
      expect(await syncUserNow('user_ada', 'sign-in')).toMatchObject({
        code: 'TEMPORAL_UNAVAILABLE',
        kept: false,
      });
    }
  });
});

test.each([
  ['does not know the update', ApplicationFailure.create({ message: 'No handler', type: 'ReferenceError' })],
  ['takes other changes than we send', failure('INPUT_INVALID', 'Something else.')],
])('a worker of another version that %s has the change by signal', async (_, cause) => {
  const { calls, signalled, syncUserNow } = start();
  const answer = syncUserNow('user_ada', 'sign-in');
  await settled();
  calls[0]?.reject(updateFailed(cause));
  expect(await answer).toMatchObject({ code: 'SYNC_UNFINISHED', kept: true });
  expect(signalled).toHaveLength(1);
});
