import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import {
  CancellationScope,
  condition,
  continueAsNew,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import { failure } from '../failures.js';
import { RETRY_SIGNAL, SYNC_NOW_UPDATE, SYNC_STATUS_ATTRIBUTE } from '../names.js';
import { foldChanges, type UserChange } from '../user-change.js';
import { SHORT } from './activity-options.js';
import { permanentFailure } from './permanent-failure.js';
import {
  retry,
  type SyncUserInput,
  type SyncUserState,
  status,
  syncNow,
  userChanged,
} from './sync-user-messages.js';
import { WaitingCallers } from './waiting-callers.js';

/** Below Temporal's own limit of 10,000 signals a run, with room for those that arrive while a run ends. */
const MOST_SIGNALS = 5_000;

const { applyUserChange, recordSyncFailure, resolveSyncFailure } = proxyActivities<Activities>(SHORT);

const syncStatus = defineSearchAttributeKey(SYNC_STATUS_ATTRIBUTE, SearchAttributeType.KEYWORD);
const ROLLED = Symbol('rolled');

/**
 * Keeps one user's row equal to Clerk. Folds what arrives into one newest change, applies it, and closes once nothing
 * came for a while; the next change starts a new run.
 *
 * A change that no retry can cure parks the run: it stays open, is recorded in `sync_failures`, and waits for `retry`
 * or for the user's next change. Runs do not end Failed: resetting an old failed run would end a newer open one.
 *
 * One long function, because the handlers and the loop share one state, and none of it can be understood without the rest.
 */
export async function syncUser(input: SyncUserInput): Promise<Omit<SyncUserState, 'pending'>> {
  const { clerkUserId, lingerMs, searchAttributes } = input;
  const state: SyncUserState = input.carried ?? {
    pending: null,
    failure: null,
    parked: false,
    reported: false,
    received: 0,
    applied: 0,
    lastOutcome: null,
  };
  let applying: UserChange | null = null;
  let signals = 0;
  /** Of the latest failure. A run that continues another one says it again. */
  let unreported = state.parked;
  const callers = new WaitingCallers();

  setHandler(userChanged, (changes) => {
    signals += 1;
    state.received += changes.length;
    state.pending = changes.reduce(fold, state.pending);
    state.parked = false;
  });
  setHandler(
    syncNow,
    async (change) => {
      state.received += 1;
      state.pending = fold(state.pending, change);
      state.parked = false;
      return callers.wait();
    },
    { validator: (change) => checkSyncNow(change, clerkUserId) },
  );
  setHandler(retry, () => {
    signals += 1;
    state.parked = false;
  });
  setHandler(status, () => {
    const { pending, ...rest } = state;
    return {
      ...rest,
      state: applying ? 'applying' : state.parked ? 'parked' : 'idle',
      pendingKind: (applying ?? pending)?.kind ?? null,
    };
  });

  const mustRoll = () => workflowInfo().continueAsNewSuggested || signals >= MOST_SIGNALS;
  const hasWork = () => state.pending !== null && !state.parked;

  for (;;) {
    showDetails();
    if (mustRoll()) {
      await callers.sendToNextRun();
      await continueAsNew<typeof syncUser>({ ...input, carried: state });
    }
    if (state.parked && unreported) await reportFailure();
    else if (state.reported && state.failure === null) await unreportFailure();
    else if (hasWork()) await applyPending();
    else if (state.parked) await condition(() => hasWork() || mustRoll());
    else if (!(await condition(() => hasWork() || mustRoll(), lingerMs))) {
      const { pending: _, ...result } = state;
      return result;
    }
  }

  async function applyPending(): Promise<void> {
    const change = state.pending;
    if (change === null) return;
    applying = change;
    state.pending = null;
    const taken = callers.take();
    const putBack = () => {
      state.pending = fold(state.pending, change);
    };
    try {
      const applied = await unlessRolling(() => applyUserChange(change));
      if (applied === ROLLED) {
        taken.putBack();
        return putBack();
      }
      state.applied += 1;
      state.lastOutcome = applied.outcome;
      state.failure = null;
      taken.applied(applied.outcome);
    } catch (error) {
      const permanent = permanentFailure(error);
      if (permanent === undefined) {
        putBack();
        throw error;
      }
      const newerCame = state.pending !== null;
      putBack();
      state.failure = permanent;
      state.parked = !newerCame;
      unreported = true;
      // What came meanwhile is tried together with theirs, and may cure it.
      if (newerCame) taken.putBack();
      else taken.failed(permanent);
    } finally {
      applying = null;
    }
  }

  async function reportFailure(): Promise<void> {
    const { failure } = state;
    if (failure === null) return;
    if ((await unlessRolling(() => recordSyncFailure({ clerkUserId, ...failure }))) === ROLLED) return;
    unreported = false;
    state.reported = true;
    if (searchAttributes) upsertSearchAttributes([{ key: syncStatus, value: 'parked' }]);
  }

  async function unreportFailure(): Promise<void> {
    if ((await unlessRolling(() => resolveSyncFailure(clerkUserId))) === ROLLED) return;
    state.reported = false;
    if (searchAttributes) upsertSearchAttributes([{ key: syncStatus, value: 'ok' }]);
  }

  /** What the Web UI shows of an open run. */
  function showDetails(): void {
    const { failure, parked } = state;
    setCurrentDetails(
      failure && parked
        ? `**Parked: ${failure.code}**\n\n${failure.message}\n\nSend the signal \`${RETRY_SIGNAL}\` once it is cured; the user's next change tries again by itself.`
        : '',
    );
  }

  /**
   * Runs an activity until it ends or the run must continue as new: while Postgres is down for hours, signals go on
   * arriving and would exhaust the run. An attempt given up may still commit; the freshness rule makes that harmless.
   */
  async function unlessRolling<T>(run: () => Promise<T>): Promise<T | typeof ROLLED> {
    const scope = new CancellationScope();
    return scope.run(async () => {
      const running = run();
      const rolling = condition(mustRoll).then((): typeof ROLLED => ROLLED);
      try {
        return await Promise.race([running, rolling]);
      } finally {
        scope.cancel();
        for (const loser of [running, rolling]) loser.catch(() => undefined);
      }
    });
  }
}

const fold = (pending: UserChange | null, change: UserChange): UserChange =>
  pending === null ? change : foldChanges(pending, change);

/** A change of another kind would carry personal data, or be answered by what Clerk showed earlier. */
function checkSyncNow(change: Partial<UserChange> | undefined, clerkUserId: string): void {
  const { kind, writer, observedAtMs } = change ?? {};
  const isOurs = change?.clerkUserId === clerkUserId && (writer === 'sign-in' || writer === 'operator');
  if (kind !== 'refetch' || !isOurs || !Number.isSafeInteger(observedAtMs))
    throw failure(
      'INPUT_INVALID',
      `\`${SYNC_NOW_UPDATE}\` takes {"kind":"refetch","writer":"operator","clerkUserId":"${clerkUserId}","observedAtMs":0,"svixId":null}.`,
    );
}
