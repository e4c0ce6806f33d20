import type { Client } from '@temporalio/client';
import { FAILURES, type FailureCode } from '../failures.js';

/** An activity that fails and is tried again. */
export interface PendingFailure {
  activity: string;
  /** A code of ours, or the type of another error; empty where there is none. */
  code: string;
  message: string;
  attempt: number;
}

/** Windows of a sweep are workflows of their own; a few of them tell enough. */
const MAX_CHILDREN = 4;

/**
 * @returns what a workflow's activities, and those of its children, failed with last; empty while all goes through.
 * @throws Temporal's errors when it does not answer.
 */
export async function pendingFailures(client: Client, workflowId: string): Promise<PendingFailure[]> {
  const { pendingActivities, pendingChildren } = (await client.workflow.getHandle(workflowId).describe()).raw;
  const own = (pendingActivities ?? []).flatMap(({ activityType, attempt, lastFailure }) =>
    lastFailure
      ? [
          {
            activity: activityType?.name ?? 'an activity',
            code: lastFailure.applicationFailureInfo?.type ?? '',
            message: lastFailure.message ?? '',
            attempt: attempt ?? 1,
          },
        ]
      : [],
  );
  const childIds = (pendingChildren ?? []).flatMap((child) => child.workflowId ?? []).slice(0, MAX_CHILDREN);
  const ofChildren = await Promise.all(childIds.map((id) => pendingFailures(client, id)));
  return [...own, ...ofChildren.flat()];
}

/** `prepareReconcile fails, attempt 3. SCHEMA_MISSING: …`, and what to do about it on a line of its own. */
export function pendingFailureText({ activity, code, message, attempt }: PendingFailure): string {
  const action = isOurs(code) ? `\n  ${FAILURES[code].action}` : '';
  return `${activity} fails, attempt ${attempt}. ${code === '' ? '' : `${code}: `}${message}${action}`;
}

const isOurs = (code: string): code is FailureCode => Object.hasOwn(FAILURES, code);
