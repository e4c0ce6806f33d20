import { activityInfo, log } from '@temporalio/activity';
import { recordSyncFailure } from '../db/sync-failures.js';
import { failureCode } from '../failures.js';
import type { ActivityDependencies } from './dependencies.js';

/**
 * Notes a user whom a reconcile could not write, so that it can go on with the others.
 *
 * @throws the error itself unless it is one that no retry can cure.
 */
export async function recordRefused(
  deps: ActivityDependencies,
  clerkUserId: string,
  error: unknown,
): Promise<void> {
  const code = failureCode(error);
  if (code !== 'ROW_REJECTED' && code !== 'USER_UNUSABLE' && code !== 'MAPPING_FAILED') throw error;
  const { workflowId = '', runId = '' } = activityInfo().workflowExecution ?? {};
  const message = error instanceof Error ? error.message : code;
  log.error('A user could not be written', { clerkUserId, code });
  await recordSyncFailure(deps.db, { clerkUserId, code, message, workflowId, runId, parked: false });
}
