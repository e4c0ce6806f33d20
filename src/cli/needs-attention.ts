import type { SyncStatus, WaitingUsers } from '../db/read-status.js';
import { type Names, PLAIN_NAMES } from '../names.js';
import { MAX_SKEW_SECONDS } from './clock-watch.js';
import { decideDeletions } from './decide-deletions.js';
import { counted, duration, grouped } from './in-words.js';
import { lateHooks } from './late-hooks.js';
import { lateSweep } from './late-sweep.js';
import { leftUndone } from './left-undone.js';
import { slowErasing } from './slow-erasing.js';

/** One missed tick is a restart; ten are nobody at work. */
const LATE_INTERVALS = 10;

/**
 * @param intervalMs time between two reconciles.
 * @param sweepIntervalMs time between two sweeps of a table too large to be swept each time.
 * @returns what a person has to look at, each with what to do; several lines where there are commands. Empty when all is
 *   well.
 */
export function needsAttention(
  status: SyncStatus,
  nowMs: number,
  intervalMs: number,
  sweepIntervalMs: number,
  names: Names = PLAIN_NAMES,
): string[] {
  return [
    ...webhooks(status),
    ...failures(status, names),
    ...emailsTaken(status),
    ...deletions(status, names),
    ...leftUndone(status),
    ...slowErasing(status, names),
    ...lateHooks(status, nowMs, names),
    ...clocks(status),
    ...reconciles(status, nowMs, LATE_INTERVALS * intervalMs, names),
    ...lateSweep(status, nowMs, sweepIntervalMs, names),
  ];
}

function webhooks({ webhooks: { verdict, repaired, delivered } }: SyncStatus): string[] {
  const look =
    "Look at the endpoint in Clerk's dashboard (is it enabled, are its address, events and signing secret right?) and at the starter's log.";
  if (verdict === 'silent')
    return [
      `Webhooks are silent: ${counted(repaired, 'change')} had to be repaired in the last 15 minutes, and webhooks brought none. ${look}`,
    ];
  if (verdict === 'lossy')
    return [
      `Webhooks are lossy: ${counted(repaired, 'change')} had to be repaired in the last 15 minutes, and webhooks brought ${delivered}. ${look}`,
    ];
  return [];
}

function failures({ failures: waiting }: SyncStatus, names: Names): string[] {
  if (waiting.unresolved === 0) return [];
  return [
    [
      `${counted(waiting.unresolved, 'user')} cannot be written. The README's "Failure codes" say what to do about each. Then: temporal workflow signal --workflow-id ${names.syncUserWorkflowId('<clerk id>')} --name retry. If that run is not open, clerk-sync reconcile tries the user again.`,
      ...named(waiting),
    ].join('\n'),
  ];
}

function emailsTaken({ emailsTaken: waiting }: SyncStatus): string[] {
  if (waiting.unresolved === 0) return [];
  return [
    [
      `${counted(waiting.unresolved, 'user was', 'users were')} written without e-mail: another user's row has it, whom sync_failures.message names. In Clerk, take the address from one of the two, or delete one of them; the next reconcile then gives it back.`,
      ...named(waiting),
    ].join('\n'),
  ];
}

function named({ unresolved, first }: WaitingUsers): string[] {
  const more = unresolved - first.length;
  return [
    ...first.map(({ clerkUserId, code }) => `  ${clerkUserId}  ${code}`),
    ...(more > 0 ? [`  and ${counted(more, 'other')}`] : []),
  ];
}

function clocks({ lastReconcile }: SyncStatus): string[] {
  const aheadSeconds = lastReconcile?.clockAheadSeconds ?? 0;
  if (Math.abs(aheadSeconds) <= MAX_SKEW_SECONDS) return [];
  const how = `${duration(Math.abs(aheadSeconds) * 1000)} ${aheadSeconds > 0 ? 'ahead of' : 'behind'}`;
  return [
    `The worker's clock is ${how} Postgres'. Set the one that is wrong, by NTP say: a starter whose clock is more than 5 minutes off takes no webhook and no session token.`,
  ];
}

function deletions({ deletionsWaiting: waiting }: SyncStatus, names: Names): string[] {
  if (waiting === 0) return [];
  return [[`Deletions that wait for you: ${grouped(waiting)}.`, ...decideDeletions(names)].join('\n')];
}

function reconciles(
  { lastReconcile, running }: SyncStatus,
  nowMs: number,
  lateMs: number,
  names: Names,
): string[] {
  const sinceMs = lastReconcile ? nowMs - lastReconcile.finishedAt.getTime() : Number.POSITIVE_INFINITY;
  if (sinceMs <= lateMs) return [];
  const what = lastReconcile ? `for ${duration(sinceMs)}` : 'yet';
  const done = running
    ? `A ${running.kind} has been running for ${duration(nowMs - running.startedAt.getTime())}; the Web UI shows how far it is, or what it waits for.`
    : `Is a worker running, and is neither the schedule ${names.reconcileScheduleId} nor its open run paused? If that run is open, its pending activity in the Web UI says what it waits for (Clerk, the key, Postgres).`;
  return [`No reconcile was completed ${what}. ${done}`];
}
