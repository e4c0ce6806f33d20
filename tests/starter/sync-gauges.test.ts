import { expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { createStarterMetrics } from '../../src/starter/metrics.js';
import { createSyncGauges, type SyncReadings } from '../../src/starter/sync-gauges.js';
import { deferred } from './deferred.js';
import { startTestStarter } from './start-test-starter.js';

const READINGS: SyncReadings = {
  clerkUsers: 2_003,
  liveRows: 2_001,
  webhooksOk: false,
  clockAheadSeconds: 600.5,
  lastReconcileSeconds: { sweep: 1_750_000_000.5, delta: null },
  repairedLastHour: { missed_create: 2, missed_update: 0 },
  failuresUnresolved: 1,
  deletionsWaiting: 40,
  deletionsKept: 64,
  tombstonesToErase: 50_000,
  deletionsUnasked: 3,
  hooksPending: 7,
  oldestPendingHookSeconds: 1_750_000_100.25,
};

/** Names, with their labels, and values of the gauges that were given one. */
async function values(registry: Registry): Promise<Record<string, number>> {
  const lines = (await registry.metrics()).matchAll(/^clerk_sync_(\S+) (\S+)$/gm);
  return Object.fromEntries([...lines].map(([, name, value]) => [name, Number(value)]));
}

test('/metrics tells what the database says, beside what the starter counts', async () => {
  const starter = await startTestStarter({ metrics: createStarterMetrics(async () => READINGS) });
  try {
    await starter.deliver('not an event');
    const text = await (await fetch(`${starter.url}/metrics`)).text();
    expect(text).toContain('clerk_sync_deliveries_total{result="EVENT_UNUSABLE"} 1');
    expect(text).toContain('# TYPE clerk_sync_live_rows gauge\nclerk_sync_live_rows 2001\n');
  } finally {
    await starter.stop();
  }
});

test('each reading is a gauge, and what is not known has no value', async () => {
  const registry = new Registry();
  const refresh = createSyncGauges(registry, { read: async () => READINGS });
  await refresh();
  expect(await values(registry)).toEqual({
    postgres_up: 1,
    clerk_users: 2_003,
    live_rows: 2_001,
    webhooks_ok: 0,
    worker_clock_ahead_seconds: 600.5,
    'last_reconcile_timestamp_seconds{kind="sweep"}': 1_750_000_000.5,
    'drift_repaired_last_hour{label="missed_create"}': 2,
    'drift_repaired_last_hour{label="missed_update"}': 0,
    failures_unresolved: 1,
    deletions_waiting: 40,
    deletions_kept: 64,
    tombstones_to_erase: 50_000,
    deletions_unasked: 3,
    hooks_pending: 7,
    hooks_oldest_pending_timestamp_seconds: 1_750_000_100.25,
  });
});

test('where hooks are off they have no gauges, and where none is pending there is no oldest', async () => {
  const registry = new Registry();
  let hooks: Partial<SyncReadings> = {};
  const refresh = createSyncGauges(registry, { read: async () => ({ ...READINGS, ...hooks }) });
  await refresh();
  hooks = { hooksPending: 0, oldestPendingHookSeconds: null };
  await refresh();
  expect(await values(registry)).toMatchObject({ hooks_pending: 0 });
  expect(await values(registry)).not.toHaveProperty('hooks_oldest_pending_timestamp_seconds');
  hooks = { hooksPending: null, oldestPendingHookSeconds: null };
  await refresh();
  expect(Object.keys(await values(registry)).filter((name) => name.startsWith('hooks'))).toEqual([]);
});

test('before the first reconcile only what is known has a value', async () => {
  const registry = new Registry();
  const nothing = {
    clerkUsers: null,
    liveRows: null,
    webhooksOk: null,
    tombstonesToErase: null,
    clockAheadSeconds: null,
    deletionsUnasked: null,
    hooksPending: null,
    oldestPendingHookSeconds: null,
  };
  const refresh = createSyncGauges(registry, {
    read: async () => ({
      ...READINGS,
      ...nothing,
      lastReconcileSeconds: { sweep: null },
      repairedLastHour: {},
    }),
  });
  await refresh();
  expect(await values(registry)).toEqual({
    postgres_up: 1,
    failures_unresolved: 1,
    deletions_waiting: 40,
    deletions_kept: 64,
  });
});

test('where Postgres fails the scrape goes on, and no gauge keeps an old value', async () => {
  const registry = new Registry();
  let answer = async () => READINGS;
  const refresh = createSyncGauges(registry, { read: () => answer() });
  await refresh();
  answer = async () => {
    throw new Error('down');
  };
  await refresh();
  expect(await values(registry)).toEqual({ postgres_up: 0 });
  answer = async () => READINGS;
  await refresh();
  expect(await values(registry)).toMatchObject({ postgres_up: 1, live_rows: 2_001 });
});

test('a read that hangs holds a scrape up no longer than the timeout, and is not begun twice', async () => {
  const registry = new Registry();
  const hanging = deferred<SyncReadings>();
  let reads = 0;
  const refresh = createSyncGauges(registry, {
    timeoutMs: 20,
    read: () => {
      reads += 1;
      return hanging.promise;
    },
  });
  await refresh();
  await refresh();
  expect(reads).toBe(1);
  expect(await values(registry)).toEqual({ postgres_up: 0 });
  hanging.resolve(READINGS);
  await refresh();
  expect(await values(registry)).toMatchObject({ postgres_up: 1 });
});
