import {
  CancellationScope,
  condition,
  continueAsNew,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { HookActivities } from '../activities/hook-activities.js';
import { HOOKS_TASK_QUEUE, RETRY_SIGNAL, SKIP_HOOK_SIGNAL } from '../names.js';
import { SHORT } from './activity-options.js';
import { permanentFailure } from './permanent-failure.js';
import { retry } from './sync-user-messages.js';
import { hooksPending, skipHook, type UserHooksInput } from './user-hooks-messages.js';

const onHooksQueue = { ...SHORT, taskQueue: HOOKS_TASK_QUEUE };
const { listPendingHooks, skipUserHook } = proxyActivities<HookActivities>(onHooksQueue);

/** The activity ends a call in time; this is for a worker that cannot. */
const GRACE_MS = 10_000;

type Change = Awaited<ReturnType<HookActivities['listPendingHooks']>>['changes'][number];

/**
 * Runs one user's hooks, the oldest change first, and closes once none is pending. A hook that fails is tried again for
 * ever, and the user's later changes wait for it; nobody else's do.
 *
 * A hook that gives up parks the run, until `retry` or `skip`. `skip` also leaves out one that is being tried again.
 */
export async function runUserHooks({
  clerkUserId,
}: UserHooksInput): Promise<{ ran: number; skipped: number }> {
  const result = { ran: 0, skipped: 0 };
  let called = true;
  let retried = false;
  let skipped = false;
  let revisionInHand: number | null = null;
  setHandler(hooksPending, () => {
    called = true;
  });
  setHandler(retry, () => {
    retried = true;
  });
  setHandler(skipHook, (revision) => {
    if (revision === revisionInHand) skipped = true;
  });
  const mustRoll = () => workflowInfo().continueAsNewSuggested;

  while (called) {
    // Before the look: what is committed after it comes with a signal of its own.
    called = false;
    const { changes, more, timeoutMs } = await listPendingHooks(clerkUserId);
    if (more) called = true;
    for (const change of changes) {
      await settle(change, timeoutMs);
      // The table knows what is pending, so that the next run needs nothing from this one.
      if (mustRoll()) await continueAsNew<typeof runUserHooks>({ clerkUserId });
    }
  }
  return result;

  /** Returns once the change's hook has been through, or is left out, or the run must continue as new. */
  async function settle(change: Change, timeoutMs: number): Promise<void> {
    revisionInHand = change.revision;
    skipped = false;
    for (;;) {
      const gaveUp = await call(change, timeoutMs);
      if (gaveUp !== null) {
        retried = false;
        setCurrentDetails(parked(change, gaveUp));
        await condition(() => retried || skipped || mustRoll());
        setCurrentDetails('');
      }
      if (skipped) {
        await skipUserHook(change);
        result.skipped += 1;
        return;
      }
      if (mustRoll()) return;
      if (gaveUp === null) {
        result.ran += 1;
        return;
      }
    }
  }

  /** @returns why the hook gave up; null: it has been through, or it is not waited for any longer. */
  async function call(change: Change, timeoutMs: number): Promise<string | null> {
    const { runUserHook } = proxyActivities<HookActivities>({
      ...onHooksQueue,
      startToCloseTimeout: timeoutMs + GRACE_MS,
      cancellationType: 'WAIT_CANCELLATION_COMPLETED',
      retry: { ...SHORT.retry, maximumInterval: '5m' },
      summary: `${change.kind}, revision ${change.revision}`,
    });
    const scope = new CancellationScope();
    return scope.run(async () => {
      const calling = runUserHook(change).then(() => null);
      const stopping = condition(() => skipped || mustRoll()).then(() => null);
      try {
        return await Promise.race([calling, stopping]);
      } catch (error) {
        const permanent = permanentFailure(error);
        if (permanent === undefined) throw error;
        return permanent.message;
      } finally {
        scope.cancel();
        stopping.catch(() => undefined);
        // Given up, it must have ended before the next call begins, in this run or in one that continues it.
        await calling.catch(() => undefined);
      }
    });
  }
}

const parked = ({ kind, revision }: Change, why: string): string =>
  `**Parked at revision ${revision} (${kind})**\n\n${why}\n\nSend the signal \`${RETRY_SIGNAL}\` once it is cured, or \`${SKIP_HOOK_SIGNAL}\` with the input \`${revision}\` to leave this one out. Later changes of this user wait.`;
