import type { Client } from '@temporalio/client';
import { failure } from '../failures.js';
import { type Names, PLAIN_NAMES } from '../names.js';
import type { UserChange } from '../user-change.js';
import { syncUser } from '../workflows/sync-user.js';
import { userChanged } from '../workflows/sync-user-messages.js';
import { grpcStatus } from './grpc-status.js';
import { inTime } from './in-time.js';
import { userRun } from './user-run.js';

export interface SignalUserOptions {
  client: Client;
  /** See SyncUserInput. */
  lingerMs: number;
  /** Default: those without a prefix. */
  names?: Names;
  /** Longest wait of one request. Svix gives up after 15 s, so it must hear 503 well before. */
  deadlineMs?: number;
}

/** Gives a change to its user's workflow. @param bytes about how large the change is. */
export type SignalUser = (change: UserChange, bytes: number) => Promise<void>;

interface Batch {
  changes: UserChange[];
  bytes: number;
  sent: Promise<void>;
}

/** Half of what Temporal takes in a payload. */
const MOST_BYTES = 1_000_000;

/**
 * Signals users' workflows, starting those that do not run. For each user one call is in flight at a time; what
 * gathers meanwhile goes together in the next. More than 100 signals during one workflow task would stall that user.
 *
 * @returns a function that resolves once Temporal has the change durably.
 * @throws TEMPORAL_UNAVAILABLE when it has not within the deadline. It may have it all the same; a repeat is harmless.
 * @see https://docs.temporal.io/sending-messages#signal-with-start
 */
export function createUserSignaler({
  client,
  lingerMs,
  names = PLAIN_NAMES,
  deadlineMs = 5_000,
}: SignalUserOptions): SignalUser {
  const inFlight = new Map<string, Promise<void>>();
  const waiting = new Map<string, Batch>();

  return async (change, bytes) => {
    const sent = enqueue(change, bytes);
    // Deliveries that wait past their deadline answer 503, while the call they wait for may still succeed.
    await inTime(sent, deadlineMs, () =>
      failure('TEMPORAL_UNAVAILABLE', `No answer within ${deadlineMs} ms.`),
    );
  };

  function enqueue(change: UserChange, bytes: number): Promise<void> {
    const user = change.clerkUserId;
    const before = inFlight.get(user);
    const batch = waiting.get(user);
    if (before === undefined) return track(user, send(user, [change]));
    if (batch !== undefined && batch.bytes + bytes <= MOST_BYTES) {
      batch.changes.push(change);
      batch.bytes += bytes;
      return batch.sent;
    }
    const changes = [change];
    const sent = before
      .catch(() => undefined)
      .then(() => {
        if (waiting.get(user)?.changes === changes) waiting.delete(user);
        return send(user, changes);
      });
    waiting.set(user, { changes, bytes, sent });
    return track(user, sent);
  }

  /** The newest call of a user stands for all before it, since each waits for its predecessor. */
  function track(user: string, sent: Promise<void>): Promise<void> {
    inFlight.set(user, sent);
    const forget = () => {
      if (inFlight.get(user) === sent) inFlight.delete(user);
    };
    sent.then(forget, forget);
    return sent;
  }

  async function send(clerkUserId: string, changes: UserChange[]): Promise<void> {
    try {
      await client.withAbortSignal(AbortSignal.timeout(deadlineMs), async () => {
        await client.workflow.signalWithStart(syncUser, {
          ...userRun(names, { clerkUserId, lingerMs }),
          signal: userChanged,
          signalArgs: [changes],
        });
      });
    } catch (cause) {
      throw failure('TEMPORAL_UNAVAILABLE', `The signal was not taken: ${grpcStatus(cause)}.`, { cause });
    }
  }
}
