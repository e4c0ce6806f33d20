import type { SyncStatus } from '../db/read-status.js';
import type { Names } from '../names.js';
import { duration } from './in-words.js';

/** A sweep of a large table takes its time, and may have been skipped once. */
const LATE_INTERVALS = 3;

/**
 * @param sweepIntervalMs time between two sweeps.
 * @returns what to do where sweeps do not end, though reconciles do; empty when they do, or none has ended yet.
 */
export function lateSweep(
  { lastSweep }: SyncStatus,
  nowMs: number,
  sweepIntervalMs: number,
  names: Names,
): string[] {
  if (lastSweep === null) return [];
  const sinceMs = nowMs - lastSweep.finishedAt.getTime();
  if (sinceMs <= LATE_INTERVALS * sweepIntervalMs) return [];
  return [
    `No sweep was completed for ${duration(sinceMs)}, so lost deletions are not found. Is the schedule ${names.sweepScheduleId} paused? If its run is open, its pending activity in the Web UI says what it waits for (Clerk, the key, Postgres).`,
  ];
}
