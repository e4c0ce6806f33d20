import type { SyncStatus } from '../db/read-status.js';
import { counted } from './in-words.js';

/** @returns what the last reconcile, or the last sweep, could not do because Clerk failed; empty when it did all. */
export function leftUndone({ lastReconcile, lastSweep }: SyncStatus): string[] {
  const unasked = lastSweep?.unasked ?? 0;
  const problems = new Set([
    ...(lastReconcile?.problems ?? []),
    ...(unasked > 0 ? (lastSweep?.problems ?? []) : []),
  ]);
  if (problems.size === 0 && unasked === 0) return [];
  const waiting =
    unasked === 0
      ? ''
      : ` ${counted(unasked, 'row')} that Clerk did not list may have to be deleted, once it answers for them by id.`;
  return [
    [
      `The last reconcile left something undone, for Clerk failed; all the rest was repaired, and the next one tries again.${waiting}`,
      ...[...problems].map((problem) => `  ${problem}`),
    ].join('\n'),
  ];
}
