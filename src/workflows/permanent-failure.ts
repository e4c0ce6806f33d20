import { ActivityFailure, ApplicationFailure, isCancellation } from '@temporalio/workflow';
import type { SyncFailureState } from './sync-user-messages.js';

/** @returns what an activity threw for good. Anything else is retried by Temporal and never arrives here, but for a cancellation. */
export function permanentFailure(error: unknown): SyncFailureState | undefined {
  if (isCancellation(error) || !(error instanceof ActivityFailure)) return undefined;
  const { cause } = error;
  if (!(cause instanceof ApplicationFailure)) return undefined;
  return { code: cause.type ?? 'UNKNOWN', message: cause.message };
}
