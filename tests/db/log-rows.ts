import { randomUUID } from 'node:crypto';
import type { DriftLabel } from '../../src/drift.js';
import type { Writer } from '../../src/user-change.js';

export const MINUTE_MS = 60_000;

export interface ChangeRowOptions {
  writer: Writer;
  changedAtMs: number;
  drift?: DriftLabel;
  driftSinceMs?: number | null;
}

/** A row of `user_changes`, as whoever wrote it would have logged it. */
export function changeRow({ writer, changedAtMs, drift, driftSinceMs }: ChangeRowOptions) {
  const changedAt = new Date(changedAtMs);
  return {
    clerkId: 'user_changed',
    revision: 1,
    kind: 'updated',
    writer,
    clerkUpdatedAt: changedAt,
    observedAt: changedAt,
    changedAt,
    drift: drift ?? null,
    driftSince: driftSinceMs == null ? null : new Date(driftSinceMs),
  };
}

export interface RunRowOptions {
  kind?: 'sweep' | 'delta';
  status?: string;
  /** A minute after its start; a run that is running has none. */
  finishedAtMs: number;
}

/** A row of `reconcile_runs`. */
export function runRow({ kind = 'sweep', status = 'completed', finishedAtMs }: RunRowOptions) {
  return {
    id: randomUUID(),
    kind,
    status,
    startedAt: new Date(finishedAtMs - MINUTE_MS),
    finishedAt: status === 'running' ? null : new Date(finishedAtMs),
  };
}
