import { setTimeout } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { Client } from 'pg';
import { applyDeletions } from '../../src/db/apply-deletions.js';
import { applySnapshots } from '../../src/db/apply-snapshots.js';
import { eraseDeletedUsers } from '../../src/db/erase-deleted-users.js';
import { readHooksBacklog } from '../../src/db/hooks-backlog.js';
import { HOOKS_SCHEDULE_ID, PLAIN_NAMES, SYNC_TASK_QUEUE, userHooksWorkflowId } from '../../src/names.js';
import { runUserHooks } from '../../src/workflows/run-user-hooks.js';
import { retry } from '../../src/workflows/sync-user-messages.js';
import { hooksPending, skipHook } from '../../src/workflows/user-hooks-messages.js';
import { answerOf, snapshotOf, T0 } from '../db/snapshot-of.js';
import { hookLog } from '../support/hook-log.js';
import { createPostgresGate, PASS_GATE } from '../support/postgres-gate.js';
import { detailsOf } from '../support/reconciling.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { waitUntil } from '../support/wait-until.js';

const log = hookLog();
let service: TestService;
let users = 0;
const newUserId = () => `user_hooked${++users}`;

beforeAll(async () => {
  service = await startTestService({ hooks: log.hooks });
  await service.startWorker();
});
afterAll(() => service.stop());
afterEach(() => {
  log.behave = () => undefined;
});

const write = (id: string, ms: number, name = `Name ${ms}`) =>
  applySnapshots(service.db, [snapshotOf(id, T0 + ms, { first_name: name })], 'webhook');
const erase = (id: string, ms: number) =>
  applyDeletions(service.db, [{ clerkUserId: id, deletedAtMs: T0 + ms }], {
    observedVia: 'webhook',
    writer: 'webhook',
    markUnknown: true,
  });
/** As the dispatcher's next tick does, which one need not wait for. */
const tick = () => schedule().trigger();
const schedule = () => service.client.schedule.getHandle(HOOKS_SCHEDULE_ID);
const runOf = (id: string): WorkflowHandle => service.client.workflow.getHandle(userHooksWorkflowId(id));
const pending = (clerkId?: string) =>
  service.db.pendingHook.findMany({ where: clerkId === undefined ? {} : { clerkId } });
const firstChange = (clerkId: string) =>
  service.db.userChange.findFirstOrThrow({ where: { clerkId }, orderBy: { id: 'asc' } });
async function settled(...ids: string[]): Promise<void> {
  await tick();
  for (const id of ids)
    await waitUntil(async () => (await pending(id)).length === 0, {
      describe: async () => ({ pending: await pending(id), called: log.of(id) }),
    });
}

describe('runUserHooks', () => {
  test('calls the hooks of a user in order, with the row as it is now', async () => {
    const id = newUserId();
    await write(id, 0);
    await settled(id);
    await write(id, 1, 'Grace');
    await erase(id, 2);
    await settled(id);
    expect(log.of(id)).toEqual([
      'onUserCreated created 1',
      'onUserUpdated updated 2',
      'onUserDeleted deleted 3',
    ]);
    const [created, updated, deleted] = log.calls.filter(({ event }) => event.clerkUserId === id);
    expect(created).toMatchObject({
      attempt: 1,
      event: {
        writer: 'webhook',
        changedFields: [],
        clerkUpdatedAt: new Date(T0),
        user: { clerkId: id, email: `${id}@example.com`, firstName: 'Name 0', deletedAt: null },
      },
    });
    expect(updated?.event).toMatchObject({
      changedFields: ['firstName', 'name', 'first_name'].filter((f) =>
        updated?.event.changedFields.includes(f),
      ),
    });
    expect(updated?.event.user).toMatchObject({ firstName: 'Grace' });
    expect(deleted?.event.user?.deletedAt).toEqual(new Date(T0 + 2));
    expect(new Set([created, updated, deleted].map((call) => call?.idempotencyKey)).size).toBe(3);
  });

  test('a hook that fails is called again with the same key; the later changes wait, other users do not', async () => {
    const [failing, other] = [newUserId(), newUserId()];
    let cured = false;
    log.behave = ({ clerkUserId, kind }) => {
      if (clerkUserId === failing && kind === 'created' && !cured) throw new Error('ada@example.com');
    };
    await write(failing, 0);
    await write(failing, 1);
    await tick();
    await waitUntil(() => log.of(failing).length === 1);
    await write(other, 0);
    await settled(other);
    expect(log.of(other)).toEqual(['onUserCreated created 1']);
    await waitUntil(() => log.of(failing).length >= 2, { describe: () => log.of(failing) });
    cured = true;
    await settled(failing);
    const created = log.of(failing).length - 1;
    expect(log.of(failing)).toEqual([
      ...Array(created).fill('onUserCreated created 1'),
      'onUserUpdated updated 2',
    ]);
    const calls = log.calls.filter(({ event }) => event.clerkUserId === failing).slice(0, created);
    expect(calls.map(({ attempt }) => attempt)).toEqual(calls.map((_, at) => at + 1));
    expect(new Set(calls.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1);
  });

  test('what a hook threw is named by its class, code and place; its text is nowhere', async () => {
    const id = newUserId();
    log.behave = () => {
      throw Object.assign(new TypeError('no ada@example.com'), { code: 'ECONNREFUSED' });
    };
    await write(id, 0);
    await tick();
    const failure = await waitUntil(async () => {
      const { pendingActivities } = (await runOf(id).describe()).raw;
      return pendingActivities?.[0]?.lastFailure ?? undefined;
    });
    expect(failure?.applicationFailureInfo?.type).toBe('HOOK_FAILED');
    expect(failure?.message).toMatch(
      /Kind created, revision 1: it threw TypeError \(ECONNREFUSED\) at run-user-hooks\.live\.test\.ts:\d+\.$/,
    );
    expect(JSON.stringify(failure)).not.toContain('ada');
    expect(await pending(id)).toMatchObject([{ failure: failure?.message, failedAt: expect.any(Date) }]);
    log.behave = () => undefined;
    await settled(id);
  });

  test('a hook that never ends is given up after its time, and called again', async () => {
    const id = newUserId();
    await service.stopWorker();
    let aborted = 0;
    await service.startWorker(undefined, {
      timeoutMs: 200,
      onUserCreated: (_, { attempt, signal }) => {
        signal.addEventListener('abort', () => aborted++);
        return attempt === 1 ? new Promise(() => undefined) : undefined;
      },
    });
    try {
      await write(id, 0);
      await tick();
      await waitUntil(async () => (await pending(id))[0]?.failure?.includes('200 ms'));
      expect(aborted).toBe(1);
      await settled(id);
    } finally {
      await service.stopWorker();
      await service.startWorker();
    }
  });

  test('a worker that is stopped amid a hook aborts its signal, and the next one calls it again', async () => {
    const id = newUserId();
    let aborted = false;
    log.behave = ({ clerkUserId }, { attempt, signal }) => {
      if (clerkUserId !== id || attempt > 1) return;
      signal.addEventListener('abort', () => {
        aborted = true;
      });
      return new Promise(() => undefined);
    };
    await write(id, 0);
    await tick();
    await waitUntil(() => log.of(id).length === 1);
    await service.stopWorker();
    expect(aborted).toBe(true);
    expect(await pending(id)).toMatchObject([{ failures: 0 }]);
    await service.startWorker();
    await settled(id);
    expect(log.of(id)).toEqual(['onUserCreated created 1', 'onUserCreated created 1']);
  });

  describe('parks at a hook that gives up', () => {
    const givingUp = async () => {
      const id = newUserId();
      let cured = false;
      log.behave = ({ clerkUserId, kind }) => {
        if (clerkUserId === id && kind === 'created' && !cured)
          throw ApplicationFailure.nonRetryable('The plan is unknown.', 'PlanUnknown');
      };
      await write(id, 0);
      await write(id, 1);
      await tick();
      await waitUntil(async () => (await detailsOf(runOf(id))).includes('Parked at revision 1'));
      return {
        id,
        cure: () => {
          cured = true;
        },
      };
    };

    test('visibly, in its own words, and later changes wait, until `retry`', async () => {
      const { id, cure } = await givingUp();
      expect(await detailsOf(runOf(id))).toContain('The plan is unknown.');
      expect((await pending(id))[0]).toMatchObject({ failures: 1, failure: expect.stringContaining('plan') });
      await runOf(id).signal(hooksPending);
      await runOf(id).signal(skipHook, 3);
      expect(log.of(id)).toEqual(['onUserCreated created 1']);
      cure();
      await runOf(id).signal(retry);
      await settled(id);
      expect(log.of(id)).toEqual([
        'onUserCreated created 1',
        'onUserCreated created 1',
        'onUserUpdated updated 2',
      ]);
    });

    test('until `skip` with its revision, which goes on with the next change', async () => {
      const { id } = await givingUp();
      await runOf(id).signal(skipHook, 1);
      await settled(id);
      expect(log.of(id)).toEqual(['onUserCreated created 1', 'onUserUpdated updated 2']);
      expect(await runOf(id).result()).toEqual({ ran: 1, skipped: 1 });
    });

    test('and leaves out a later one as well, if `skip` named it before it was its turn', async () => {
      const { id, cure } = await givingUp();
      await runOf(id).signal(skipHook, 2);
      cure();
      await runOf(id).signal(retry);
      await settled(id);
      expect(log.of(id)).toEqual(['onUserCreated created 1', 'onUserCreated created 1']);
      expect(await runOf(id).result()).toEqual({ ran: 1, skipped: 1 });
    });
  });

  test('a `skip` of a change that is through, or of none, is forgotten, and meets no later one', async () => {
    const id = newUserId();
    let endSecond: () => void = () => undefined;
    log.behave = ({ clerkUserId, kind }) =>
      clerkUserId === id && kind === 'updated'
        ? new Promise<void>((resolve) => {
            endSecond = resolve;
          })
        : undefined;
    await write(id, 0);
    await write(id, 1);
    await tick();
    await waitUntil(() => log.of(id).length === 2);
    for (const revision of [1, 0, -1, 2.5, Number.NaN]) await runOf(id).signal(skipHook, revision);
    endSecond();
    expect(await runOf(id).result()).toEqual({ ran: 2, skipped: 0 });
    // Its revisions begin again with 1.
    await service.db.user.delete({ where: { clerkId: id } });
    log.behave = () => undefined;
    await write(id, 2);
    await settled(id);
    expect(log.of(id)).toEqual([
      'onUserCreated created 1',
      'onUserUpdated updated 2',
      'onUserUpdated restored 1',
    ]);
  });

  test('one that is tried again and one that is parked are both in the backlog, and found by the query that it comes with', async () => {
    const [failing, parked] = [newUserId(), newUserId()];
    let cured = false;
    log.behave = ({ clerkUserId }) => {
      if (cured) return;
      if (clerkUserId === failing) throw new Error('for now');
      if (clerkUserId === parked) throw ApplicationFailure.nonRetryable('The plan is unknown.');
    };
    await write(failing, 0);
    await write(parked, 0);
    await write(parked, 1);
    await tick();
    await waitUntil(async () => (await detailsOf(runOf(parked))).includes('Parked at revision 1'));
    const behind = await waitUntil(async () => {
      const found = await readHooksBacklog(service.db);
      return found?.failed === 2 ? found : undefined;
    });
    expect(behind).toMatchObject({ pending: 3, oldestAt: (await firstChange(failing)).changedAt });
    expect(behind?.firstFailed).toEqual([
      { clerkUserId: failing, revision: 1, failures: expect.any(Number) },
      { clerkUserId: parked, revision: 1, failures: 1 },
    ]);
    const listed = async () => {
      const ids: string[] = [];
      for await (const { workflowId } of service.client.workflow.list({ query: PLAIN_NAMES.openHooksQuery }))
        ids.push(workflowId);
      return ids.sort();
    };
    const both = [failing, parked].map(userHooksWorkflowId).sort();
    await waitUntil(async () => (await listed()).join() === both.join(), { describe: listed });
    cured = true;
    await runOf(parked).signal(retry);
    await settled(failing, parked);
    expect(await readHooksBacklog(service.db)).toMatchObject({ pending: 0, oldestAt: null, failed: 0 });
    await waitUntil(async () => (await listed()).length === 0, { describe: listed });
  });

  test('`skip` leaves out a hook that is being tried again', async () => {
    const id = newUserId();
    log.behave = ({ clerkUserId, kind }) => {
      if (clerkUserId === id && kind === 'created') throw new Error('always');
    };
    await write(id, 0);
    await write(id, 1);
    await tick();
    await waitUntil(() => log.of(id).length >= 1);
    await runOf(id).signal(skipHook, 1);
    await settled(id);
    expect(log.of(id).at(-1)).toBe('onUserUpdated updated 2');
  });

  test('a hook in hand that is skipped was told to end before the next one begins', async () => {
    const id = newUserId();
    const order: string[] = [];
    log.behave = ({ clerkUserId, revision }, { signal }) => {
      if (clerkUserId !== id) return;
      order.push(`called ${revision}`);
      if (revision > 1) return;
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          order.push('told to end');
          reject(signal.reason);
        });
      });
    };
    await write(id, 0);
    await write(id, 1);
    await tick();
    await waitUntil(() => order.length === 1);
    await runOf(id).signal(skipHook, 1);
    await settled(id);
    expect(order).toEqual(['called 1', 'told to end', 'called 2']);
  });

  test('a run that somebody terminated is started again for the next change, with what it left', async () => {
    const id = newUserId();
    log.behave = ({ clerkUserId }) => {
      if (clerkUserId === id) throw new Error('always');
    };
    await write(id, 0);
    await tick();
    await waitUntil(() => log.of(id).length >= 1);
    await runOf(id).terminate();
    log.behave = () => undefined;
    await write(id, 1);
    await settled(id);
    expect(log.of(id).slice(-2)).toEqual(['onUserCreated created 1', 'onUserUpdated updated 2']);
  });
});

describe('exactly one `created` a user', () => {
  test('of 50 writers of one new user at once', async () => {
    const id = newUserId();
    await Promise.all(Array.from({ length: 50 }, (_, n) => write(id, n)));
    await settled(id);
    const called = log.of(id);
    expect(called[0]).toBe('onUserCreated created 1');
    expect(called.filter((call) => call.includes('created'))).toHaveLength(1);
    const revisions = called.map((call) => Number(call.split(' ')[2]));
    expect(revisions).toEqual(revisions.map((_, at) => at + 1));
  });

  test('also where the deletion came first: the tombstone that ends is the first sight of the user', async () => {
    const id = newUserId();
    await erase(id, 0);
    const back = T0 + 120_000;
    await applySnapshots(service.db, [answerOf(id, back, back)], 'reconcile');
    await settled(id);
    expect(log.of(id)).toEqual(['onUserDeleted deleted 1', 'onUserCreated created 2']);
  });

  test('of a user whose row was erased, and who is restored', async () => {
    const id = newUserId();
    await write(id, 0);
    await erase(id, 1);
    await eraseDeletedUsers(service.db, { mode: 'hard', holdbackMs: 0, clerkUserIds: [id] });
    await settled(id);
    expect(log.calls.filter(({ event }) => event.clerkUserId === id).map(({ event }) => event.user)).toEqual([
      null,
      null,
    ]);
    const back = T0 + 120_000;
    await applySnapshots(service.db, [answerOf(id, back, back)], 'reconcile');
    await settled(id);
    expect(log.of(id)).toEqual([
      'onUserCreated created 1',
      'onUserDeleted deleted 2',
      'onUserUpdated restored 3',
    ]);
  });

  test('of a user whose row somebody removed by hand', async () => {
    const id = newUserId();
    await write(id, 0);
    await settled(id);
    await service.db.user.delete({ where: { clerkId: id } });
    await write(id, 1);
    await settled(id);
    expect(log.of(id)).toEqual(['onUserCreated created 1', 'onUserUpdated restored 1']);
    expect(
      new Set(log.calls.filter(({ event }) => event.clerkUserId === id).map((c) => c.idempotencyKey)).size,
    ).toBe(2);
  });
});

describe('no change is passed over', () => {
  test('one that commits after others with greater ids were seen to', async () => {
    const [late, early] = [newUserId(), newUserId()];
    const open = new Client({ connectionString: service.database.url });
    await open.connect();
    await open.query('BEGIN');
    await open.query(
      `INSERT INTO user_changes (clerk_id, revision, kind, writer, clerk_updated_at, observed_at, changed_at)
       VALUES ($1, 1, 'created', 'sign-in', now(), now(), now())`,
      [late],
    );
    await write(early, 0);
    await settled(early);
    expect(log.of(late)).toEqual([]);
    await open.query('COMMIT');
    await open.end();
    await settled(late);
    expect(log.of(late)).toEqual(['onUserCreated created 1']);
    const ids = await service.db.userChange.findMany({
      where: { clerkId: { in: [late, early] } },
      orderBy: { id: 'asc' },
    });
    expect(ids[0]?.clerkId).toBe(late);
  });

  describe('one that comes while its user’s run', () => {
    // Or the dispatcher would cover up for a signal that was lost.
    beforeAll(() => schedule().pause());
    afterAll(() => schedule().unpause());

    const writeAndOffer = async (id: string, ms: number) => {
      await write(id, ms);
      await offer(id);
    };
    const untilTold = (id: string, changes: number) =>
      waitUntil(async () => log.of(id).length === changes && (await pending(id)).length === 0, {
        describe: () => log.of(id),
      });

    test('is about to close', async () => {
      // A little after the hook of the one before it returned, sooner or later: so it meets the run's end.
      const id = newUserId();
      const changes = 20;
      const writes: Promise<unknown>[] = [];
      log.behave = ({ clerkUserId, revision }) => {
        if (clerkUserId === id && revision < changes)
          writes.push(setTimeout(revision * 3).then(() => writeAndOffer(id, revision + 1)));
      };
      await writeAndOffer(id, 1);
      await untilTold(id, changes);
      await Promise.all(writes);
      expect(log.of(id).map((call) => Number(call.split(' ')[2]))).toEqual(
        Array.from({ length: changes }, (_, n) => n + 1),
      );
    });

    /** A look sees what was committed when it began, however long it takes: this user's first one waits while `work` runs. */
    async function whileLooking(id: string, work: (untilLooking: () => Promise<void>) => Promise<void>) {
      const gate = await createPostgresGate(service.database.url);
      await service.db.$executeRawUnsafe(`CREATE OR REPLACE FUNCTION looks(text) RETURNS bool LANGUAGE sql VOLATILE AS
        $$ SELECT $1 <> '${id}' OR ${PASS_GATE} IS NOT NULL $$`);
      await service.db.$executeRaw`ALTER TABLE pending_hooks RENAME TO all_pending_hooks`;
      await service.db
        .$executeRaw`CREATE VIEW pending_hooks AS SELECT * FROM all_pending_hooks WHERE looks(clerk_id)`;
      try {
        await gate.shut();
        await work(() => gate.untilOneWaits());
        await gate.open();
      } finally {
        await gate.close();
        await service.db.$executeRaw`DROP VIEW pending_hooks`;
        await service.db.$executeRaw`ALTER TABLE all_pending_hooks RENAME TO pending_hooks`;
      }
    }

    test('has looked for what is pending, and has not been told yet', async () => {
      const id = newUserId();
      await whileLooking(id, async (untilLooking) => {
        await writeAndOffer(id, 1);
        await untilLooking();
        await writeAndOffer(id, 2);
      });
      await untilTold(id, 2);
      expect(log.of(id)).toEqual(['onUserCreated created 1', 'onUserUpdated updated 2']);
    });

    test('has none in hand, and a `skip` that comes then leaves out the one that it finds', async () => {
      const id = newUserId();
      await write(id, 1);
      await whileLooking(id, async (untilLooking) => {
        await writeAndOffer(id, 2);
        await untilLooking();
        await runOf(id).signal(skipHook, 1);
      });
      await untilTold(id, 1);
      expect(log.of(id)).toEqual(['onUserUpdated updated 2']);
    });
  });
});

/** As a worker does it after a write. */
const offer = (id: string) =>
  service.client.workflow.signalWithStart(runUserHooks, {
    workflowId: userHooksWorkflowId(id),
    taskQueue: SYNC_TASK_QUEUE,
    args: [{ clerkUserId: id }],
    signal: hooksPending,
  });
