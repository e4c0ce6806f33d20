import { type Client, WithStartWorkflowOperation, WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { FAILURES, type FailureCode, failureCode } from '../failures.js';
import { type Names, PLAIN_NAMES } from '../names.js';
import type { Outcome, RefetchChange, Writer } from '../user-change.js';
import { syncUser } from '../workflows/sync-user.js';
import { type SyncNowResult, syncNow } from '../workflows/sync-user-messages.js';
import { grpcStatus } from './grpc-status.js';
import { inTime } from './in-time.js';
import { createPace } from './pace.js';
import type { SignalUser } from './signal-user.js';
import { userRun } from './user-run.js';

export interface SyncUserNowOptions {
  client: Client;
  /** See SyncUserInput. */
  lingerMs: number;
  /** Default: those without a prefix. */
  names?: Names;
  /** Takes the change when there is no answer in time: an update that no worker has accepted is lost. */
  signalUser: SignalUser;
  /** Longest wait for an answer. A fifth of it more may go into handing the change over. Default 4,000. */
  deadlineMs?: number;
}

export type SyncAnswer =
  /** `ignored`: Clerk does not have the user. */
  | { kind: 'applied'; outcome: Outcome }
  /** `kept`: Temporal has the change, and the row follows by itself. */
  | { kind: 'failed'; code: FailureCode; kept: boolean; detail: string };

/**
 * How often one user may have Clerk asked: the limit is the instance's, and anybody who signed in could use it up.
 * Requests that share a call count once.
 */
const MOST_CALLS = 10;
const PER_MS = 10_000;

/** Who wait for the end of a call, to go in the next. */
interface Together {
  writer: Writer;
  answer: Promise<SyncAnswer>;
}

/** @returns an answer, always; it does not throw for anything that may happen to Temporal, Clerk or Postgres. */
export type SyncUserNow = (clerkUserId: string, writer: Writer) => Promise<SyncAnswer>;

/**
 * Has users' workflows ask Clerk and write the row now, starting those that do not run.
 *
 * Calls of one user share: while one is in flight, those that come wait for its end and go together in the next, for the
 * first may have had its answer from Clerk before they came. So however many come at once, Clerk is asked twice. Those
 * that wait share a failure that may pass by itself, or they would wait out one deadline after the other.
 *
 * @returns a function that resolves within about 10 s, and within 5 s where it did not have to wait.
 * @see https://docs.temporal.io/sending-messages#update-with-start
 */
export function createSyncUserNow(options: SyncUserNowOptions): SyncUserNow {
  const { client, lingerMs, names = PLAIN_NAMES, signalUser, deadlineMs = 4_000 } = options;
  const inFlight = new Map<string, Promise<SyncAnswer>>();
  const waiting = new Map<string, Together>();
  const mayOnceMore = createPace(MOST_CALLS, PER_MS);

  return (clerkUserId, writer) => {
    const before = inFlight.get(clerkUserId);
    if (before === undefined) return fly(clerkUserId, writer);
    const together = waiting.get(clerkUserId);
    if (together !== undefined) {
      // An operator's call is not counted, whoever came first.
      if (writer === 'operator') together.writer = writer;
      return together.answer;
    }
    const next: Together = {
      writer,
      answer: before.then((answer) => {
        waiting.delete(clerkUserId);
        return isPassing(answer) ? answer : fly(clerkUserId, next.writer);
      }),
    };
    waiting.set(clerkUserId, next);
    return next.answer;
  };

  function fly(clerkUserId: string, writer: Writer): Promise<SyncAnswer> {
    if (writer === 'sign-in' && !mayOnceMore(clerkUserId))
      return Promise.resolve({ kind: 'failed', code: 'SYNC_TOO_OFTEN', kept: false, detail: '' });
    const answer = sync(clerkUserId, writer).finally(() => inFlight.delete(clerkUserId));
    inFlight.set(clerkUserId, answer);
    return answer;
  }

  async function sync(clerkUserId: string, writer: Writer): Promise<SyncAnswer> {
    const change: RefetchChange = {
      kind: 'refetch',
      writer,
      clerkUserId,
      observedAtMs: Date.now(),
      instanceId: null,
      svixId: null,
    };
    try {
      return { kind: 'applied', outcome: await update(change) };
    } catch (error) {
      const refused = refusalOf(error);
      if (refused !== undefined) return { kind: 'failed', kept: true, ...refused };
      const what = error instanceof Error ? error.message : String(error);
      return handOver(change, `The update was not answered (${grpcStatus(error)}): ${what}.`);
    }
  }

  async function update(change: RefetchChange): Promise<Outcome> {
    const untilMs = performance.now() + deadlineMs;
    for (;;) {
      const leftMs = Math.ceil(untilMs - performance.now());
      if (leftMs <= 0) throw new Error('the run continued as new again and again');
      // The SDK's own retries may outlast the signal that ends them.
      const call = client.withAbortSignal(AbortSignal.timeout(leftMs), () => updateWithStart(change));
      const { outcome } = await inTime(call, leftMs, () => new Error('it is too late'));
      if (outcome !== null) return outcome;
    }
  }

  async function updateWithStart(change: RefetchChange): Promise<SyncNowResult> {
    const { clerkUserId } = change;
    return client.workflow.executeUpdateWithStart(syncNow, {
      startWorkflowOperation: new WithStartWorkflowOperation(syncUser, {
        ...userRun(names, { clerkUserId, lingerMs }),
        workflowIdConflictPolicy: 'USE_EXISTING',
      }),
      args: [change],
    });
  }

  async function handOver(change: RefetchChange, why: string): Promise<SyncAnswer> {
    const timeoutMs = deadlineMs / 5;
    const late = () => new Error('it is too late');
    const [signalled, cause] = await Promise.allSettled([
      inTime(signalUser(change, JSON.stringify(change).length), timeoutMs, late),
      inTime(causeOfDelay(change.clerkUserId), timeoutMs, late),
    ]);
    if (signalled.status === 'rejected')
      return { kind: 'failed', code: 'TEMPORAL_UNAVAILABLE', kept: false, detail: why };
    const code = (cause.status === 'fulfilled' ? cause.value : undefined) ?? 'SYNC_UNFINISHED';
    return { kind: 'failed', code, kept: true, detail: why };
  }

  /** @returns why the run's activity is being tried again, if it is. */
  async function causeOfDelay(clerkUserId: string): Promise<FailureCode | undefined> {
    const { raw } = await client.workflow.getHandle(names.syncUserWorkflowId(clerkUserId)).describe();
    const codes = (raw.pendingActivities ?? []).map(
      ({ lastFailure }) => lastFailure?.applicationFailureInfo?.type,
    );
    return codes.map((type) => failureCode(ApplicationFailure.create({ type: type ?? '' }))).find(Boolean);
  }
}

/** What parked the run. An update that was refused for another reason, by a worker that does not know it, was not taken. */
function refusalOf(error: unknown): { code: FailureCode; detail: string } | undefined {
  if (!(error instanceof WorkflowUpdateFailedError)) return undefined;
  const code = failureCode(error.cause);
  if (code === undefined || FAILURES[code].retried || code === 'INPUT_INVALID') return undefined;
  return { code, detail: error.cause?.message ?? '' };
}

const isPassing = (answer: SyncAnswer) => answer.kind === 'failed' && FAILURES[answer.code].retried;
