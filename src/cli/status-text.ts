import type { HooksBacklog } from '../db/hooks-backlog.js';
import type { CompletedRun, SyncStatus } from '../db/read-status.js';
import { aligned } from './aligned.js';
import { deleteKeptRows } from './delete-kept-rows.js';
import { counted, driftWords, duration, grouped } from './in-words.js';

/** The status for a person: a line each, then what needs them. @param attention from `needsAttention`. */
export function statusText(status: SyncStatus, attention: readonly string[], nowMs: number): string {
  const { instance, lastReconcile, lastSweep, running, webhooks, failures, emailsTaken, hooks } = status;
  const ago = (date: Date) => `${duration(nowMs - date.getTime())} ago`;
  const rows = [
    [
      'Instance',
      instance ? `${instance.instanceId}, adopted ${instance.adoptedAt.toISOString()}` : 'none adopted yet',
    ],
    ['Rows', rowsInWords(status)],
    [
      'Last reconcile',
      lastReconcile
        ? `${lastReconcile.kind} ${ago(lastReconcile.finishedAt)}: ${whatItDid(lastReconcile)}`
        : 'none completed yet',
    ],
    ['Last sweep', lastSweep ? ago(lastSweep.finishedAt) : 'none completed yet'],
    ...(running
      ? [['Running', `${running.kind} since ${duration(nowMs - running.startedAt.getTime())}`]]
      : []),
    [
      'Webhooks',
      `${webhooks.verdict}: ${webhooks.repaired} repaired, ${webhooks.delivered} delivered in 15 min`,
    ],
    ['Failures', failures.unresolved === 0 ? 'none' : counted(failures.unresolved, 'user')],
    ...(emailsTaken.unresolved > 0
      ? [['E-mails', `${counted(emailsTaken.unresolved, 'user')} without, as another has it`]]
      : []),
    ['Deletions', howDeletionsStand(status)],
    ...(status.erasing?.toErase
      ? [
          [
            'Erasing',
            `${counted(status.erasing.toErase, 'deleted user')} to be erased, as of the last reconcile`,
          ],
        ]
      : []),
    ...(hooks ? [['Hooks', howHooksStand(hooks, nowMs)]] : []),
  ];
  return [
    ...aligned(rows),
    '',
    ...(attention.length === 0 ? ['All is well.'] : attention.flatMap((each) => [...bullet(each)])),
  ].join('\n');
}

function rowsInWords({ liveRows, deletedRows, foreignRows }: SyncStatus): string {
  const rows = `${grouped(liveRows)} live, ${grouped(deletedRows)} deleted`;
  return foreignRows === 0
    ? rows
    : `${rows}; ${grouped(foreignRows)} of the live ones have an id that is none of Clerk's, and stay`;
}

function whatItDid(run: CompletedRun): string {
  const repaired = driftWords(run.repaired);
  return [
    repaired === null ? 'nothing to repair' : `repaired ${repaired}`,
    ...(run.withheld > 0 ? [`${grouped(run.withheld)} deletions withheld`] : []),
    ...(run.unasked > 0 ? [`${grouped(run.unasked)} deletions not asked about`] : []),
    ...(run.failed > 0 ? [`${grouped(run.failed)} failed`] : []),
    `${counted(run.clerkRequests, 'request')} to Clerk`,
  ].join(', ');
}

function howDeletionsStand({ deletionsWaiting: waiting, deletionsKept: kept, goneRows }: SyncStatus): string {
  const wait = waiting === 0 ? 'none wait' : `${grouped(waiting)} wait`;
  if (kept === 0) return wait;
  return `${wait}, ${counted(kept, 'row')} kept by rejectDeletions (to delete: ${deleteKeptRows(goneRows)})`;
}

function howHooksStand({ pending, oldestAt, failed }: HooksBacklog, nowMs: number): string {
  if (pending === 0) return 'none pending';
  return [
    `${grouped(pending)} pending`,
    ...(oldestAt ? [`the oldest for ${duration(nowMs - oldestAt.getTime())}`] : []),
    ...(failed > 0 ? [`those of ${counted(failed, 'user')} have failed`] : []),
  ].join(', ');
}

const bullet = (text: string): string[] =>
  text.split('\n').map((line, place) => `${place === 0 ? '- ' : '  '}${line}`);
