import { describe, expect, test } from '@jest/globals';
import type { Client } from '@temporalio/client';
import { FAILURES } from '../../src/failures.js';
import { createUserSignaler, type SignalUserOptions } from '../../src/starter/signal-user.js';
import type { RefetchChange } from '../../src/user-change.js';
import { syncUser } from '../../src/workflows/sync-user.js';
import { userChanged } from '../../src/workflows/sync-user-messages.js';
import { type Deferred, deferred } from './deferred.js';

interface SignalWithStartOptions {
  workflowId: string;
  taskQueue: string;
  args: [unknown];
  signal: unknown;
  signalArgs: [RefetchChange[]];
}

/** One call of signalWithStart, which waits until the test settles it. */
interface Call extends Deferred<void> {
  workflow: unknown;
  options: SignalWithStartOptions;
  signal: AbortSignal;
  /** The svix-ids of the changes it carries. */
  sent: (string | null)[];
}

/** What the signaler uses of a client. Calls end with their signal, as gRPC calls do. */
class FakeClient {
  readonly calls: Call[] = [];
  private readonly waiting: { atLeast: number; reached: Deferred<void> }[] = [];
  private signal = new AbortController().signal;

  withAbortSignal<T>(signal: AbortSignal, run: () => Promise<T>): Promise<T> {
    this.signal = signal;
    return run();
  }

  readonly workflow = {
    signalWithStart: (workflow: unknown, options: SignalWithStartOptions): Promise<void> => {
      const { signal } = this;
      const call = {
        ...deferred(),
        workflow,
        options,
        signal,
        sent: options.signalArgs[0].map((c) => c.svixId),
      };
      signal.addEventListener('abort', () => call.reject(signal.reason));
      this.calls.push(call);
      for (const { atLeast, reached } of this.waiting) if (this.calls.length >= atLeast) reached.resolve();
      return call.promise;
    },
  };

  /** Waits for the nth call, counted from 0. */
  async call(nth: number): Promise<Call> {
    const reached = deferred();
    if (this.calls.length > nth) reached.resolve();
    else this.waiting.push({ atLeast: nth + 1, reached });
    await reached.promise;
    const call = this.calls[nth];
    if (!call) throw new Error(`There is no call ${nth}.`);
    return call;
  }
}

function start(options: Partial<SignalUserOptions> = {}) {
  const client = new FakeClient();
  const signalUser = createUserSignaler({
    client: client as unknown as Client,
    lingerMs: 45_000,
    ...options,
  });
  return { client, signalUser };
}

const change = (svixId: string, clerkUserId = 'user_ada'): RefetchChange => ({
  kind: 'refetch',
  writer: 'webhook',
  clerkUserId,
  observedAtMs: 1_750_000_000_000,
  instanceId: null,
  svixId,
});

/** Lets everything run that waits for nothing outside. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));
const unavailable = { type: 'TEMPORAL_UNAVAILABLE', nonRetryable: !FAILURES.TEMPORAL_UNAVAILABLE.retried };

describe('one change', () => {
  test("is signalled with start to its user's workflow, by the references that the worker registers", async () => {
    const { client, signalUser } = start({ lingerMs: 30_000 });
    const done = signalUser(change('a'), 10);
    const { workflow, options, resolve } = await client.call(0);
    expect(workflow).toBe(syncUser);
    expect(options).toMatchObject({
      workflowId: 'sync-user/user_ada',
      taskQueue: 'clerk-sync',
      args: [{ clerkUserId: 'user_ada', lingerMs: 30_000 }],
      signalArgs: [[change('a')]],
    });
    expect(options.signal).toBe(userChanged);
    resolve();
    await done;
  });

  test('is done only when Temporal has taken it', async () => {
    const { client, signalUser } = start();
    let done = false;
    const signalling = signalUser(change('a'), 10).then(() => {
      done = true;
    });
    const call = await client.call(0);
    await settled();
    expect(done).toBe(false);
    call.resolve();
    await signalling;
  });

  test('that Temporal refuses is TEMPORAL_UNAVAILABLE, with the cause', async () => {
    const { client, signalUser } = start();
    const signalling = expect(signalUser(change('a'), 10)).rejects.toMatchObject({
      ...unavailable,
      cause: { message: '14 UNAVAILABLE' },
    });
    (await client.call(0)).reject(new Error('14 UNAVAILABLE'));
    await signalling;
  });
});

describe('changes of one user', () => {
  test('have one call in flight; what gathers meanwhile goes together, in order', async () => {
    const { client, signalUser } = start();
    const ids = ['a', 'b', 'c', 'd'];
    const all = Promise.all(ids.map((id) => signalUser(change(id), 10)));
    const first = await client.call(0);
    await settled();
    expect(client.calls).toHaveLength(1);
    expect(first.sent).toEqual(['a']);
    first.resolve();
    const second = await client.call(1);
    expect(second.sent).toEqual(['b', 'c', 'd']);
    const late = signalUser(change('e'), 10);
    await settled();
    expect(client.calls).toHaveLength(2);
    second.resolve();
    await all;
    const third = await client.call(2);
    expect(third.sent).toEqual(['e']);
    third.resolve();
    await late;
  });

  test('wait each for its own batch only', async () => {
    const { client, signalUser } = start();
    const done: string[] = [];
    const signalling = ['a', 'b', 'c'].map(async (id) => {
      await signalUser(change(id), 10);
      done.push(id);
    });
    (await client.call(0)).resolve();
    const second = await client.call(1);
    await settled();
    expect(done).toEqual(['a']);
    second.resolve();
    await Promise.all(signalling);
    expect(done).toEqual(['a', 'b', 'c']);
  });

  test('start anew, alone, once nothing is in flight', async () => {
    const { client, signalUser } = start();
    for (const [nth, id] of ['a', 'b', 'c'].entries()) {
      const signalling = signalUser(change(id), 10);
      const call = await client.call(nth);
      expect(call.sent).toEqual([id]);
      call.resolve();
      await signalling;
      await settled();
    }
  });

  test('that fail take nobody with them: neither what went before nor what comes after', async () => {
    const { client, signalUser } = start();
    const [a, b, c] = ['a', 'b', 'c'].map((id) => signalUser(change(id), 10));
    (await client.call(0)).resolve();
    const second = await client.call(1);
    const d = signalUser(change('d'), 10);
    second.reject(new Error('14 UNAVAILABLE'));
    await a;
    await expect(b).rejects.toMatchObject(unavailable);
    await expect(c).rejects.toMatchObject(unavailable);
    const third = await client.call(2);
    expect(third.sent).toEqual(['d']);
    third.resolve();
    await d;
  });

  test('after a first call that failed, what had gathered is sent all the same', async () => {
    const { client, signalUser } = start();
    const a = expect(signalUser(change('a'), 10)).rejects.toMatchObject(unavailable);
    const b = signalUser(change('b'), 10);
    (await client.call(0)).reject(new Error('14 UNAVAILABLE'));
    await a;
    const second = await client.call(1);
    expect(second.sent).toEqual(['b']);
    second.resolve();
    await b;
  });

  test('are split into calls below half of what Temporal takes, still in order and one at a time', async () => {
    const { client, signalUser } = start();
    const sizes = { a: 10, b: 600_000, c: 400_000, d: 1, e: 1_200_000, f: 10, g: 5 };
    const all = Promise.all(Object.entries(sizes).map(([id, bytes]) => signalUser(change(id), bytes)));
    const batches = [['a'], ['b', 'c'], ['d'], ['e'], ['f', 'g']];
    for (const [nth, batch] of batches.entries()) {
      const call = await client.call(nth);
      expect(call.sent).toEqual(batch);
      await settled();
      expect(client.calls).toHaveLength(nth + 1);
      call.resolve();
    }
    await all;
  });

  test('join the last call that waits, also while one that was full before it is under way', async () => {
    const { client, signalUser } = start();
    const signalling = ['a', 'b', 'c'].map((id) => signalUser(change(id), 600_000));
    (await client.call(0)).resolve();
    const second = await client.call(1);
    signalling.push(signalUser(change('d'), 10));
    second.resolve();
    const third = await client.call(2);
    expect([second.sent, third.sent]).toEqual([['b'], ['c', 'd']]);
    third.resolve();
    await Promise.all(signalling);
  });

  test('of a burst all arrive, once each and in order', async () => {
    const { client, signalUser } = start();
    const ids = Array.from({ length: 1_000 }, (_, n) => `msg_${n}`);
    const signalling = Promise.all(ids.map((id) => signalUser(change(id), 5_000)));
    const sent: unknown[] = [];
    for (let nth = 0; sent.length < ids.length; nth += 1) {
      const call = await client.call(nth);
      sent.push(...call.sent);
      call.resolve();
    }
    await signalling;
    expect(sent).toEqual(ids);
    expect(client.calls.length).toBeLessThan(10);
  });
});

test('different users do not wait for each other', async () => {
  const { client, signalUser } = start();
  const ada = signalUser(change('a', 'user_ada'), 10);
  const bob = signalUser(change('b', 'user_bob'), 10);
  const [first, second] = [await client.call(0), await client.call(1)];
  expect([first, second].map((call) => call.options.workflowId)).toEqual([
    'sync-user/user_ada',
    'sync-user/user_bob',
  ]);
  second.resolve();
  await bob;
  first.resolve();
  await ada;
});

describe('the deadline', () => {
  test('passes as TEMPORAL_UNAVAILABLE, and ends the call', async () => {
    const { client, signalUser } = start({ deadlineMs: 20 });
    await expect(signalUser(change('a'), 10)).rejects.toMatchObject(unavailable);
    const call = await client.call(0);
    await expect(call.promise).rejects.toBe(call.signal.reason);
    expect(call.signal.aborted).toBe(true);
  });

  test('holds for one that waits for the call of another, too', async () => {
    const { client, signalUser } = start({ deadlineMs: 20 });
    const results = await Promise.allSettled(['a', 'b', 'c'].map((id) => signalUser(change(id), 10)));
    for (const result of results) expect(result).toMatchObject({ status: 'rejected', reason: unavailable });
    // Its call goes out all the same, for Temporal may take it: a repeat is harmless.
    (await client.call(1)).resolve();
  });

  test('leaves nothing behind: the next change goes through', async () => {
    const { client, signalUser } = start({ deadlineMs: 20 });
    await expect(signalUser(change('a'), 10)).rejects.toMatchObject(unavailable);
    await client.call(0).then((call) => call.promise.catch(() => undefined));
    await settled();
    const next = signalUser(change('b'), 10);
    const call = await client.call(1);
    expect(call.sent).toEqual(['b']);
    call.resolve();
    await next;
  });
});
