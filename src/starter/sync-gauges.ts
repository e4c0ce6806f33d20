import { Gauge, type Registry } from 'prom-client';
import { shareRead } from './share-read.js';

/** What is read from the database for a scrape; null where nothing is known yet. */
export interface SyncReadings {
  clerkUsers: number | null;
  liveRows: number | null;
  webhooksOk: boolean | null;
  /** Of the last reconcile's worker, ahead of Postgres' clock. */
  clockAheadSeconds: number | null;
  /** Unix seconds, by kind. */
  lastReconcileSeconds: Record<string, number | null>;
  /** By label of the drift. */
  repairedLastHour: Record<string, number>;
  failuresUnresolved: number;
  deletionsWaiting: number;
  deletionsKept: number;
  tombstonesToErase: number | null;
  deletionsUnasked: number | null;
  hooksPending: number | null;
  /** Unix seconds. */
  oldestPendingHookSeconds: number | null;
}

export interface SyncGaugesOptions {
  read(): Promise<SyncReadings>;
  /** Default 2,000: Prometheus waits for 10 s. */
  timeoutMs?: number;
}

const TIMEOUT_MS = 2_000;
/** Every starter reads the same rows, so that adding them up would count them twice. */
const SHARED = 'Read from the database, alike in every starter: use max, not sum.';

/**
 * Gauges of what the database holds, which are read anew for each scrape.
 *
 * @returns a function to call before the registry is rendered. It never throws, and takes no longer than the timeout:
 *   where Postgres does not answer in time, `clerk_sync_postgres_up` is 0 and the others have no value, rather than an
 *   old one.
 */
export function createSyncGauges(
  registry: Registry,
  { read, timeoutMs = TIMEOUT_MS }: SyncGaugesOptions,
): () => Promise<void> {
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name: `clerk_sync_${name}`, help, labelNames, registers: [registry] });
  const postgresUp = gauge(
    'postgres_up',
    'Whether Postgres answered for this scrape and has the tables: 1 or 0.',
  );
  const clerkUsers = gauge('clerk_users', `Users that Clerk had at the last reconcile. ${SHARED}`);
  const liveRows = gauge('live_rows', `Rows that are not deleted, at the last reconcile. ${SHARED}`);
  const lastReconcile = gauge(
    'last_reconcile_timestamp_seconds',
    `When the last reconcile of each kind was completed, Unix seconds. ${SHARED}`,
    ['kind'],
  );
  const webhooksOk = gauge(
    'webhooks_ok',
    `0 when the last reconcile had to repair so much that webhooks are silent or lossy, else 1. ${SHARED}`,
  );
  const clock = gauge(
    'worker_clock_ahead_seconds',
    `How far the clock of the last reconcile's worker was ahead of Postgres', below 0 if behind. ${SHARED}`,
  );
  const repaired = gauge(
    'drift_repaired_last_hour',
    `Differences that reconciles repaired in the last hour, by label. A gauge, for it also falls: no rate() over it. ${SHARED}`,
    ['label'],
  );
  const failures = gauge(
    'failures_unresolved',
    `Users that cannot be written, or were written without their e-mail, until somebody acts. ${SHARED}`,
  );
  const deletions = gauge(
    'deletions_waiting',
    `Rows whose deletion an operator has to approve or reject. During a sweep it may be above 0 for a moment. ${SHARED}`,
  );
  const kept = gauge(
    'deletions_kept',
    `Rows that an operator keeps (rejectDeletions), though Clerk does not have their users. ${SHARED}`,
  );
  const toErase = gauge(
    'tombstones_to_erase',
    `Deleted users that are due to be anonymised or removed, at the last reconcile; no value with DELETION_MODE=soft. ${SHARED}`,
  );
  const unasked = gauge(
    'deletions_unasked',
    `Rows that the last sweep did not find in Clerk's list, and about which Clerk did not answer: their deletion waits. ${SHARED}`,
  );
  const hooks = gauge(
    'hooks_pending',
    `Changes whose hooks have not been through; no value where hooks are off. ${SHARED}`,
  );
  const oldestHook = gauge(
    'hooks_oldest_pending_timestamp_seconds',
    `When the oldest of them was written, Unix seconds; no value when there is none. ${SHARED}`,
  );
  const single = [
    ...[clerkUsers, liveRows, webhooksOk, clock, failures, deletions, kept, unasked, toErase],
    ...[hooks, oldestHook],
  ];
  const readShared = shareRead(read, timeoutMs);

  return async () => {
    // Why it failed or took too long is said by whoever writes rows.
    const readings = await readShared().catch(() => null);
    for (const each of [...single, lastReconcile, repaired]) each.reset();
    postgresUp.set(readings === null ? 0 : 1);
    // A gauge without labels is 0 after a reset, which would be a lie.
    for (const each of single) each.remove();
    if (readings === null) return;
    setIfKnown(clerkUsers, readings.clerkUsers);
    setIfKnown(liveRows, readings.liveRows);
    setIfKnown(webhooksOk, readings.webhooksOk === null ? null : Number(readings.webhooksOk));
    setIfKnown(clock, readings.clockAheadSeconds);
    failures.set(readings.failuresUnresolved);
    deletions.set(readings.deletionsWaiting);
    kept.set(readings.deletionsKept);
    setIfKnown(toErase, readings.tombstonesToErase);
    setIfKnown(unasked, readings.deletionsUnasked);
    setIfKnown(hooks, readings.hooksPending);
    setIfKnown(oldestHook, readings.oldestPendingHookSeconds);
    for (const [kind, seconds] of Object.entries(readings.lastReconcileSeconds))
      if (seconds !== null) lastReconcile.set({ kind }, seconds);
    for (const [label, count] of Object.entries(readings.repairedLastHour)) repaired.set({ label }, count);
  };
}

function setIfKnown(gauge: Gauge, value: number | null): void {
  if (value !== null) gauge.set(value);
}
