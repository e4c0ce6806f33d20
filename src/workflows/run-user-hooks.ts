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
import { RETRY_SIGNAL, SKIP_HOOK_SIGNAL } from '../names.js';
import { ON_HOOKS_QUEUE, SHORT } from './activity-options.js';
import { permanentFailure } from './permanent-failure.js';
import { retry } from './sync-user-messages.js';
import { hooksPending, skipHook, type UserHooksInput } from './user-hooks-messages.js';

const { listPendingHooks, skipUserHook } = proxyActivities<HookActivities>(ON_HOOKS_QUEUE);

/** The activity ends a call in time; this is for a worker that cannot. */
const GRACE_MS = 10_000;

type Change = Awaited<ReturnType<HookActivities['listPendingHooks']>>['changes'][number];

/**
 * Runs one user's hooks, the oldest change first, and closes once none is pending. A hook that fails is tried again for
 * ever, and the user's later changes wait for it; nobody else's do.
 *
 * A hook that gives up parks the run, until `retry` or `skip`. `skip` also leaves out one that is being tried again, and
 * one whose turn has not come yet.
 */
export async function runUserHooks({
  clerkUserId,
  skips = [],
}: UserHooksInput): Promise<{ ran: number; skipped: number }> {
  const result = { ran: 0, skipped: 0 };
  /** Revisions to leave out once they are in hand. */
  const toSkip = new Set(skips);
  let called = true;
  let retried = false;
  setHandler(hooksPending, () => {
    called = true;
  });
  setHandler(retry, () => {
    retried = true;
  });
  setHandler(skipHook, (revision) => {
    toSkip.add(revision);
  });
  const mustRoll = () => workflowInfo().continueAsNewSuggested;

  // A change to be skipped may have been committed after the last look.
  while (called || toSkip.size > 0) {
    // Before the look: what is committed after it comes with a signal of its own.
    called = false;
    const askedBefore = [...toSkip];
    const { changes, more, timeoutMs } = await listPendingHooks(clerkUserId);
    if (more) called = true;
    else forget(askedBefore, changes);
    for (const change of changes) {
      await settle(change, timeoutMs);
      // The table knows what is pending; what is to be skipped, this run alone.
      if (mustRoll()) await continueAsNew<typeof runUserHooks>({ clerkUserId, skips: [...toSkip] });
    }
  }
  return result;

  /** What is not pending, though all that is was listed, is through, or of nobody: a later change may have its number. */
  function forget(revisions: readonly number[], pending: readonly Change[]): void {
    for (const revision of revisions)
      if (!pending.some((change) => change.revision === revision)) toSkip.delete(revision);
  }

  /** Returns once the change's hook has been through, or is left out, or the run must continue as new. */
  async function settle(change: Change, timeoutMs: number): Promise<void> {
    const isSkipped = () => toSkip.has(change.revision);
    for (;;) {
      const gaveUp = isSkipped() ? null : await call(change, timeoutMs, isSkipped);
      if (gaveUp !== null) {
        retried = false;
        setCurrentDetails(parked(change, gaveUp));
        await condition(() => retried || isSkipped() || mustRoll());
        setCurrentDetails('');
      }
      if (isSkipped()) {
        toSkip.delete(change.revision);
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
  async function call(change: Change, timeoutMs: number, isSkipped: () => boolean): Promise<string | null> {
    const { runUserHook } = proxyActivities<HookActivities>({
      ...ON_HOOKS_QUEUE,
      startToCloseTimeout: timeoutMs + GRACE_MS,
      cancellationType: 'WAIT_CANCELLATION_COMPLETED',
      retry: { ...SHORT.retry, maximumInterval: '5m' },
      summary: `${change.kind}, revision ${change.revision}`,
    });
    const scope = new CancellationScope();
    return scope.run(async () => {
      const calling = runUserHook(change).then(() => null);
      const stopping = condition(() => isSkipped() || mustRoll()).then(() => null);
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
