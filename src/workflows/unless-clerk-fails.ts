import { ActivityFailure, ApplicationFailure, type Duration } from '@temporalio/common';
import { isCancellation, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import { ASKING_CLERK } from './activity-options.js';
import { askingClerk } from './reconcile-activities.js';

/** A request that Clerk failed over, as often as it was tried. */
export class ClerkProblem extends Error {}

/** A spread would read the queue's name while the file is loaded, when no workflow runs. */
const askingClerkWith = (retry: { initialInterval?: Duration; maximumAttempts: number }) =>
  proxyActivities<Activities>({
    startToCloseTimeout: ASKING_CLERK.startToCloseTimeout,
    heartbeatTimeout: ASKING_CLERK.heartbeatTimeout,
    get taskQueue() {
      return ASKING_CLERK.taskQueue;
    },
    retry: { ...ASKING_CLERK.retry, ...retry },
  });

const asking = {
  /** Two attempts, some seconds apart. */
  briefly: askingClerkWith({ initialInterval: '5s', maximumAttempts: 2 }),
  /** For about half a minute: what is done instead is dearer. */
  patiently: askingClerkWith({ maximumAttempts: 6 }),
};

/**
 * Asks Clerk for something that a reconcile can do without.
 *
 * @returns a ClerkProblem where Clerk failed at each attempt; its message has the failure's meaning, the request, its
 *   status and code, and no personal data. Everything else that may be wrong, such as Postgres, a worker or the key's
 *   instance, holds up the rest as well, and so is waited for, visibly.
 */
export async function unlessClerkFails<Result>(
  ask: (activities: typeof askingClerk) => Promise<Result>,
  how: keyof typeof asking = 'briefly',
): Promise<Result | ClerkProblem> {
  try {
    return await ask(asking[how]);
  } catch (error) {
    if (isCancellation(error)) throw error;
    const cause = error instanceof ActivityFailure ? error.cause : undefined;
    if (cause instanceof ApplicationFailure && cause.type?.startsWith('CLERK_'))
      return new ClerkProblem(`${cause.message} (${cause.type})`);
  }
  return ask(askingClerk);
}
