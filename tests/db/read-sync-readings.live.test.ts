import { expect, test } from '@jest/globals';
import { applySnapshots } from '../../src/db/apply-snapshots.js';
import { readSyncReadings } from '../../src/db/read-sync-readings.js';
import { turnOnHooks } from '../../src/db/turn-on-hooks.js';
import { connectedDatabase } from '../support/connected-database.js';
import { MINUTE_MS, runRow } from './log-rows.js';
import { snapshotOf, T0 } from './snapshot-of.js';

const own = connectedDatabase(1);

const NOTHING = { missed_create: 0, missed_update: 0, missed_delete: 0, phantom: 0 };

test('of an empty database nothing is known but that nothing waits', async () => {
  expect(await readSyncReadings(own.db)).toEqual({
    clerkUsers: null,
    liveRows: null,
    webhooksOk: null,
    clockAheadSeconds: null,
    lastReconcileSeconds: { sweep: null, delta: null },
    repairedLastHour: NOTHING,
    failuresUnresolved: 0,
    deletionsWaiting: 0,
    deletionsKept: 0,
    tombstonesToErase: null,
    deletionsUnasked: null,
    hooksPending: null,
    oldestPendingHookSeconds: null,
  });
});

test("counts and verdict are the last completed run's, times each kind's, and repairs the last hour's", async () => {
  const nowMs = Math.floor(Date.now() / 1000) * 1000;
  const ago = (minutes: number) => nowMs - minutes * MINUTE_MS;
  const counted = { clerkUsers: 80, liveRows: 86 };
  await own.db.reconcileRun.createMany({
    data: [
      { ...runRow({ finishedAtMs: ago(70) }), created: 1_000 },
      {
        ...runRow({ finishedAtMs: ago(50) }),
        created: 1,
        restored: 2,
        deleted: 4,
        phantoms: 3,
        unasked: 2,
        webhooks: 'ok',
      },
      {
        ...runRow({ kind: 'delta', finishedAtMs: ago(2) }),
        updated: 5,
        webhooks: 'lossy',
        toErase: 7,
        ...counted,
      },
      { ...runRow({ kind: 'delta', status: 'cancelled', finishedAtMs: ago(1) }), updated: 6 },
      runRow({ status: 'running', finishedAtMs: nowMs }),
    ],
  });
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
  await applySnapshots(own.db, [snapshotOf('user_kept', T0), snapshotOf('user_waits', T0)], 'reconcile');
  const at = new Date();
  const candidate = { runId: 'r', foundAt: at, goneAt: at, withheldOver: 10 };
  await own.db.deletionCandidate.createMany({
    data: [
      { clerkId: 'user_waits', ...candidate },
      { clerkId: 'user_kept', ...candidate, rejectedAt: at },
    ],
  });
  expect(await readSyncReadings(own.db)).toEqual({
    ...counted,
    webhooksOk: false,
    clockAheadSeconds: null,
    lastReconcileSeconds: { sweep: ago(50) / 1000, delta: ago(2) / 1000 },
    repairedLastHour: { missed_create: 3, missed_update: 11, missed_delete: 1, phantom: 3 },
    failuresUnresolved: 1,
    deletionsWaiting: 1,
    deletionsKept: 1,
    tombstonesToErase: 7,
    deletionsUnasked: 2,
    hooksPending: null,
    oldestPendingHookSeconds: null,
  });
});

test('where hooks are on, what is pending is counted, and the oldest is timed by the log', async () => {
  await turnOnHooks(own.db, false);
  expect(await readSyncReadings(own.db)).toMatchObject({ hooksPending: 0, oldestPendingHookSeconds: null });
  await applySnapshots(own.db, [snapshotOf('user_hooked', T0)], 'webhook');
  await applySnapshots(own.db, [snapshotOf('user_later', T0)], 'webhook');
  const { changedAt } = await own.db.userChange.findFirstOrThrow({ where: { clerkId: 'user_hooked' } });
  expect(await readSyncReadings(own.db)).toMatchObject({
    hooksPending: 2,
    oldestPendingHookSeconds: changedAt.getTime() / 1000,
  });
});
