import { LRUCache } from 'lru-cache';
import type { UserRow } from '../db/read-user.js';
import { type FailureCode, failureCode } from '../failures.js';
import type { JsonObject } from '../user-change.js';
import { carefulLog } from './careful-log.js';
import { type ClaimedUser, claimedUser, type KnownClaims } from './claimed-user.js';
import { ensureRow } from './ensure-row.js';
import { createOneFlight } from './one-flight.js';
import type { Session } from './session.js';
import type { SignInDependencies } from './sync-user-with-database.js';
import { withinBudget } from './within-budget.js';

/** pino's, or any logger that is called as pino is. */
export interface SignInLog {
  info(fields: object, sentence: string): void;
  warn(fields: object, sentence: string): void;
}

export interface RowKeeperOptions extends Omit<SignInDependencies, 'signal'> {
  /** How long a session's row is taken as it was, milliseconds. Default 300,000. */
  maxAgeMs?: number;
  /** How many sessions are remembered, each with its row. Default 5,000. */
  maxSessions?: number;
  /** Longest wait of a request, milliseconds. Default 1500. */
  timeoutMs?: number;
  /** Requests to Clerk for sign-ins, of this process. Default 60 with a live key, 6 with a test key. */
  clerkRequestsPerSecond?: number;
  /**
   * Reads the user out of custom claims of the session token; Clerk is then not asked. Of claims that say nothing it
   * returns null. Where it throws, or returns what does not fit the columns, the log says so, and Clerk is asked.
   */
  readClaims?: (claims: JsonObject) => ClaimedUser | null;
  /** Told of a user whose row is still to be made, at most about once a second, and not while it is still being told of them; meant to signal `syncUser`. */
  handOver?: (clerkUserId: string) => unknown;
  /** Ids and codes only. Default: warnings, on the console; `false`: nothing. */
  log?: SignInLog | false | undefined;
}

/** What is known of the row of somebody who signed in. */
export type KnownRow =
  | { state: 'present'; row: UserRow }
  /** Deleted, or Clerk does not have the user. */
  | { state: 'gone' }
  /** Not found out in time. */
  | { state: 'missed' };

export interface RowKeeper {
  /** What is remembered of the session and still young enough. */
  remembered(session: Session): KnownRow | undefined;
  /** Never rejects, and takes no longer than the time box. */
  ensure(session: Session): Promise<KnownRow>;
}

interface Memory {
  known: KnownRow;
  untilMs: number;
}

/** A row made of claims is soon replaced by the whole user. */
const PROVISIONAL_MAX_AGE_MS = 2_000;
/** Clerk's API may know a new user a little later than its sessions do. */
const GONE_MAX_AGE_MS = 10_000;
/** In an outage a page's many requests must not each try anew, and each signal the user's workflow. */
const REST_AFTER_MISS_MS = 1_000;
/** Who was handed over is not so again before that has ended, or is taken for lost. */
const LONGEST_HAND_OVER_MS = 15_000;

/** Older than this, a row that cannot be made sure of is better not shown: the user may be gone since. */
const LONGEST_UNSURE_MS = 3_600_000;

const MISSED: KnownRow = { state: 'missed' };

/** Makes sure of rows, once a session and for parallel requests together, and remembers them. */
export function createRowKeeper(options: RowKeeperOptions): RowKeeper {
  const { maxAgeMs = 300_000, maxSessions = 5_000, timeoutMs = 1_500, readClaims, handOver } = options;
  const log = carefulLog(options.log);
  const perSecond = options.clerkRequestsPerSecond ?? options.clerk.allowedPerSecond * 0.6;
  const deps: SignInDependencies = {
    db: options.db,
    clerk: withinBudget(options.clerk, perSecond),
    keepPrivateMetadata: options.keepPrivateMetadata ?? false,
    mapping: options.mapping,
  };
  const memories = new LRUCache<string, Memory>({ max: maxSessions });
  const resting = new LRUCache<string, KnownRow>({ max: maxSessions, ttl: REST_AFTER_MISS_MS });
  const handingOver = new LRUCache<string, true>({ max: maxSessions, ttl: LONGEST_HAND_OVER_MS });
  const inOneFlight = createOneFlight<KnownRow>(timeoutMs);

  const remember = (session: Session, known: KnownRow) => {
    memories.set(session.key, { known, untilMs: performance.now() + Math.min(maxAgeMs, longest(known)) });
  };

  return {
    remembered(session) {
      const memory = memories.get(session.key);
      return memory !== undefined && performance.now() < memory.untilMs ? memory.known : undefined;
    },
    async ensure(session) {
      const known = resting.get(session.clerkUserId) ?? (await fly(session));
      if (known.state !== 'missed') {
        remember(session, known);
        return known;
      }
      // Not made sure of again, but it was there minutes ago: better than nothing under either policy.
      const before = memories.get(session.key);
      return before?.known.state === 'present' && performance.now() < before.untilMs + LONGEST_UNSURE_MS
        ? before.known
        : known;
    },
  };

  async function fly(session: Session): Promise<KnownRow> {
    const { clerkUserId } = session;
    const begunAtMs = performance.now();
    let isHandedOver = false;
    const missed = (code: FailureCode | 'UNKNOWN') => {
      const durationMs = Math.round(performance.now() - begunAtMs);
      log.warn({ clerkUserId, code, durationMs }, 'The row was not made sure of');
      if (!isHandedOver) callHandOver(clerkUserId);
      isHandedOver = true;
    };
    const work = async (): Promise<KnownRow> => {
      try {
        const { row, outcome, isProvisional } = await ensureRow(session, deps, knownBy);
        if (outcome === 'created') log.info({ clerkUserId, outcome }, 'The row was made at sign-in');
        if (isProvisional) callHandOver(clerkUserId);
        const known: KnownRow = row === null ? { state: 'gone' } : { state: 'present', row };
        // By now all who asked may have gone on without it.
        remember(session, known);
        return known;
      } catch (error) {
        missed(failureCode(error) ?? 'UNKNOWN');
        resting.set(clerkUserId, MISSED);
        return MISSED;
      }
    };
    return (await inOneFlight(clerkUserId, work, () => missed('USER_NOT_READY'))) ?? MISSED;
  }

  /** A wrong claim costs a request to Clerk, and nobody's sign-in. */
  function knownBy({ clerkUserId, claims }: Session): KnownClaims | null {
    try {
      return readClaims === undefined ? null : claimedUser(readClaims(claims));
    } catch (error) {
      const isOurs = failureCode(error) !== undefined && error instanceof Error;
      // What the application's own function throws may quote a claim.
      const detail = isOurs ? error.message : 'readClaims threw an error.';
      log.warn({ clerkUserId, code: 'CLAIMS_UNUSABLE', detail }, 'The claims were not used: Clerk is asked');
      return null;
    }
  }

  function callHandOver(clerkUserId: string): void {
    if (handingOver.has(clerkUserId)) return;
    handingOver.set(clerkUserId, true);
    Promise.resolve(clerkUserId)
      .then(handOver)
      .catch((error: unknown) => {
        const code = failureCode(error) ?? 'UNKNOWN';
        log.warn({ clerkUserId, code }, 'The user was not handed over');
      })
      .finally(() => handingOver.delete(clerkUserId));
  }
}

function longest(known: KnownRow): number {
  if (known.state !== 'present') return GONE_MAX_AGE_MS;
  return known.row.clerkUpdatedAt.getTime() === 0 ? PROVISIONAL_MAX_AGE_MS : Number.POSITIVE_INFINITY;
}
