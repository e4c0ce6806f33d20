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
import { foldFacts, foldRefetches, type Outcome, type UserChange } from '../user-change.js';
import { ASKING_FOR_A_USER, ASKING_WHILE_SOMEBODY_WAITS, SHORT } from './activity-options.js';
import { nothingPending, PendingChange } from './pending-change.js';
import { permanentFailure } from './permanent-failure.js';
import {
  retry,
  type SyncFailureState,
  type SyncUserInput,
  type SyncUserResult,
  type SyncUserState,
  status,
  syncNow,
  userChanged,
} from './sync-user-messages.js';
import { STOPPED, unless } from './unless.js';
import { WaitingCallers } from './waiting-callers.js';

/** Below Temporal's own limit of 10,000 signals a run, with room for those that arrive while a run ends. */
const MAX_SIGNALS = 5_000;
/** Until a parked run looks again whether SyncStatus is registered; doubled each time. */
const LOOK_AGAIN_MS = 5_000;
const MAX_LOOK_AGAIN_MS = 3_600_000;

const { applyUserChange, recordSyncFailure, resolveSyncFailure, hasSyncStatus } =
  proxyActivities<Activities>(SHORT);
const asking = proxyActivities<Activities>(ASKING_FOR_A_USER);
const askingFirst = proxyActivities<Activities>(ASKING_WHILE_SOMEBODY_WAITS);

const syncStatus = defineSearchAttributeKey(SYNC_STATUS_ATTRIBUTE, SearchAttributeType.KEYWORD);

/**
 * Keeps one user's row equal to Clerk, and closes once nothing came for a while; the next change starts a new run.
 *
 * Two kinds of change are applied side by side, each folded into one: facts (a whole user, a deletion) need only Postgres;
 * for a question Clerk is asked, which may take hours while Clerk is down. SQL's freshness rule decides between them.
 *
 * A change that no retry can cure parks the run: it stays open, is recorded in `sync_failures`, and waits for `retry`
 * or for the user's next change. Runs do not end Failed: resetting an old failed run would end a newer open one.
 *
 * One long function, because the handlers and the loops share one state, and none of it can be understood without the rest.
 */
export async function syncUser(input: SyncUserInput): Promise<SyncUserResult> {
  const { clerkUserId, lingerMs, carried } = input;
  const facts = new PendingChange(carried?.fact ?? nothingPending, foldFacts);
  const questions = new PendingChange(carried?.question ?? nothingPending, foldRefetches);
  const kinds = [facts, questions] as const;
  let { received, applied, lastOutcome, reported, marked } = carried ?? {
    received: 0,
    applied: 0,
    lastOutcome: null,
    reported: null,
    marked: false,
  };
  let signals = 0;
  const callers = new WaitingCallers();

  const failureNow = () => facts.failure ?? questions.failure;
  const isParked = () => kinds.some((kind) => kind.isParked);
  const isApplying = () => kinds.some((kind) => kind.isApplying);
  /** Of the latest failure. A run that continues another one says it again. */
  let unreported = isParked();
  let reporting = false;
  const reportIsDue = () => {
    const code = failureNow()?.code ?? null;
    return code === null ? reported !== null : isParked() && (unreported || code !== reported);
  };
  const isIdle = () => !isApplying() && !kinds.some((kind) => kind.isDue) && !reporting && !reportIsDue();
  const mustRoll = () => workflowInfo().continueAsNewSuggested || signals >= MAX_SIGNALS;
  const result = (): SyncUserResult => ({
    received,
    applied,
    lastOutcome,
    failure: failureNow(),
    parked: isParked(),
  });

  setHandler(userChanged, (changes) => {
    signals += 1;
    changes.forEach(add);
  });
  setHandler(
    syncNow,
    async (change) => {
      add(change);
      return callers.wait();
    },
    { validator: (change) => checkSyncNow(change, clerkUserId) },
  );
  setHandler(retry, () => {
    signals += 1;
    for (const kind of kinds) kind.tryAgain();
  });
  setHandler(status, () => ({
    ...result(),
    state: isApplying() ? 'applying' : isParked() ? 'parked' : 'idle',
    pendingKind: (facts.state.change ?? questions.state.change)?.kind ?? null,
    asksClerk: questions.state.change !== null,
  }));

  const working = new CancellationScope();
  const work = working.run(() => Promise.all([applyFacts(), askQuestions(), reportFailures()]));
  // Cancelled work says nothing new; whoever cancelled it ends the run.
  const failed = work.catch((error: unknown) => {
    if (working.consideredCancelled) return new Promise<never>(() => undefined);
    throw error;
  });
  return Promise.race([failed, untilOver()]) as Promise<SyncUserResult>;

  function add(change: UserChange): void {
    received += 1;
    if (change.kind === 'refetch') questions.add(change);
    else facts.add(change);
    for (const kind of kinds) kind.tryAgain();
  }

  async function untilOver(): Promise<SyncUserResult> {
    for (;;) {
      await condition(() => isIdle() || mustRoll());
      if (mustRoll()) return roll();
      const goesOn = () => !isIdle() || mustRoll();
      if (isParked()) await condition(goesOn);
      else if (!(await condition(goesOn, lingerMs))) return result();
    }
  }

  /** While Postgres or Clerk is down for hours, signals go on arriving and would exhaust the run. */
  async function roll(): Promise<never> {
    working.cancel();
    await callers.sendToNextRun();
    const state: SyncUserState = {
      fact: facts.state,
      question: questions.state,
      reported,
      marked,
      received,
      applied,
      lastOutcome,
    };
    return continueAsNew<typeof syncUser>({ ...input, carried: state });
  }

  async function applyFacts(): Promise<never> {
    for (;;) {
      await condition(() => facts.isDue);
      await attempt(facts, applyUserChange);
    }
  }

  async function askQuestions(): Promise<never> {
    for (;;) {
      await condition(() => questions.isDue);
      const taken = callers.take();
      // A caller's question goes before those that wait for their turn, one of the same user included.
      const givesWay = () => taken.count === 0 && callers.count > 0;
      const { refetchUser } = taken.count === 0 ? asking : askingFirst;
      const end = await attempt(questions, (change) => unless(givesWay, () => refetchUser(change)));
      if (end === STOPPED || ('code' in end && !questions.isParked)) taken.putBack();
      else if ('code' in end) taken.failed(end);
      else taken.applied(end.outcome);
    }
  }

  async function attempt<Change>(
    kind: PendingChange<Change>,
    apply: (change: Change) => Promise<{ outcome: Outcome } | typeof STOPPED>,
  ): Promise<{ outcome: Outcome } | SyncFailureState | typeof STOPPED> {
    const change = kind.take();
    showDetails();
    try {
      const end = await apply(change);
      if (end === STOPPED) {
        kind.putBack();
        return end;
      }
      kind.applied();
      applied += 1;
      lastOutcome = end.outcome;
      // A row that was refused may be older than what was written now, and need not be written any more.
      if (end.outcome !== 'ignored') for (const other of kinds) other.tryAgain();
      return end;
    } catch (error) {
      const permanent = permanentFailure(error);
      if (permanent === undefined) {
        kind.putBack();
        throw error;
      }
      kind.failed(permanent);
      unreported = true;
      return permanent;
    } finally {
      showDetails();
    }
  }

  async function reportFailures(): Promise<never> {
    let pauseMs = LOOK_AGAIN_MS;
    for (;;) {
      const isUnmarked = reported !== null && !marked;
      if (!isUnmarked) await condition(reportIsDue);
      else if (!(await condition(reportIsDue, pauseMs))) pauseMs = Math.min(2 * pauseMs, MAX_LOOK_AGAIN_MS);
      reporting = true;
      const { code, message } = failureNow() ?? {};
      if (code === undefined || message === undefined) await unreport();
      else {
        if (reportIsDue()) await report({ code, message });
        await mark();
      }
      reporting = false;
    }
  }

  async function report(known: SyncFailureState): Promise<void> {
    unreported = false;
    await recordSyncFailure({ clerkUserId, ...known });
    reported = known.code;
  }

  async function unreport(): Promise<void> {
    await resolveSyncFailure(clerkUserId);
    reported = null;
    if (marked) upsertSearchAttributes([{ key: syncStatus, value: 'ok' }]);
    marked = false;
  }

  /** Setting an attribute that is not registered would stop the run, so it is looked up, and again later. */
  async function mark(): Promise<void> {
    if (marked || !(await hasSyncStatus())) return;
    upsertSearchAttributes([{ key: syncStatus, value: 'parked' }]);
    marked = true;
  }

  /** What the Web UI shows of an open run. */
  function showDetails(): void {
    const known = failureNow();
    setCurrentDetails(
      known && isParked()
        ? `**Parked: ${known.code}**\n\n${known.message}\n\nSend the signal \`${RETRY_SIGNAL}\` once it is cured; the user's next change tries again by itself.`
        : '',
    );
  }
}

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
