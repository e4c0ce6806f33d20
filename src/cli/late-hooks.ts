import type { SyncStatus } from '../db/read-status.js';
import { type Names, RETRY_SIGNAL, SKIP_HOOK_SIGNAL } from '../names.js';
import { counted, duration } from './in-words.js';

/**
 * What mends itself has done so by then: an offer that came to nothing is made again after 10 minutes, and a hook that
 * failed is called again after at most 5.
 */
const LATE_MS = 15 * 60_000;

/** @returns a line each, of what holds hooks up and how to see which it is. */
function whatToDo(names: Names): string[] {
  const signal = (name: string): string =>
    `  temporal workflow signal --workflow-id ${names.userHooksWorkflowId('<clerk id>')} --name ${name}`;
  return [
    'Runs that have hooks in hand, be they tried again or parked, are listed by',
    `  temporal workflow list --query '${names.openHooksQuery}'`,
    'and the Web UI says of each why: its pending activity has the last failure, its details (User Metadata) say that it is parked. Once that is cured, the hook is called again by itself, and a parked one after',
    signal(RETRY_SIGNAL),
    'To leave the hook of one change out:',
    signal(`${SKIP_HOOK_SIGNAL} --input <revision>`),
    `If no run moves: the Schedule ${names.hooksScheduleId} may be paused, or no worker has hooks (CLERK_SYNC_CONFIG). Those that have are the pollers of`,
    `  temporal task-queue describe --task-queue ${names.hooksTaskQueue}`,
    'Where hooks were given up for good, the README\'s "Hooks" says how to turn them off. If none fails and the number falls, as after a first sweep or an import, they only take their time.',
  ];
}

/** @returns what a person has to do where hooks are far behind; empty where they are not, or are off. */
export function lateHooks({ hooks }: SyncStatus, nowMs: number, names: Names): string[] {
  if (!hooks?.oldestAt) return [];
  const waitedMs = nowMs - hooks.oldestAt.getTime();
  if (waitedMs <= LATE_MS) return [];
  const { pending, failed, firstFailed } = hooks;
  const head = `Hooks are behind: ${counted(pending, 'change')} pending, the oldest for ${duration(waitedMs)}.`;
  const failing =
    failed === 0
      ? 'No hook has failed.'
      : `Those of ${counted(failed, 'user')} have failed, whose later changes wait for that (pending_hooks.failure says why):`;
  const users = firstFailed.map(
    ({ clerkUserId, revision, failures }) =>
      `  ${clerkUserId}  revision ${revision}, ${counted(failures, 'failed attempt')}`,
  );
  const more = failed > users.length ? [`  and ${counted(failed - users.length, 'other')}`] : [];
  return [[`${head} ${failing}`, ...users, ...more, ...whatToDo(names)].join('\n')];
}
