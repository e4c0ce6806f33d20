import { setTimeout } from 'node:timers/promises';
import cliProgress from 'cli-progress';
import { simulateTraffic } from '../clerk-stand-in/simulate-traffic.js';
import type { StandIn } from '../clerk-stand-in/start-stand-in.js';
import type { Database } from '../db/database.js';
import { judgeWebhooks, type WebhookJudgement } from '../db/judge-webhooks.js';
import { type Overview, readOverview } from '../db/read-overview.js';
import { countInSync } from './count-in-sync.js';

export interface WatchOptions {
  db: Database;
  /** Its users come alive once the first sweep is done. */
  standIn: StandIn | undefined;
  countClerkUsers(): Promise<number>;
}

const ON_TERMINAL_MS = 1_000;
const IN_LOG_MS = 5_000;
/** About one thing every two seconds: enough to watch, slow enough to follow. */
const TRAFFIC = { signUpsPerMinute: 8, editsPerMinute: 12, signInsPerMinute: 8, deletionsPerMinute: 3 };
/** Worse than Clerk and Svix on any day, so that the reconcile has something to repair. */
const UNRELIABLE = { lossRate: 0.25, duplicateRate: 0.1, reorderRate: 0.1, reorderHoldMs: 3_000 };

/** Draws a bar until the first sweep is done, then a line that tells how things stand. */
export function watchSync(options: WatchOptions): { stop(): Promise<void> } {
  const stopping = new AbortController();
  let traffic: { stop(): void } | undefined;
  const watching = watch().catch((error: unknown) => {
    if (!stopping.signal.aborted)
      console.error(`The display stopped: ${error instanceof Error ? error.message : error}`);
  });
  return {
    async stop() {
      stopping.abort();
      traffic?.stop();
      await watching;
    },
  };

  async function watch(): Promise<void> {
    await showFirstSweep(options, stopping.signal);
    const { standIn } = options;
    if (standIn && !stopping.signal.aborted) {
      Object.assign(standIn.webhooks.settings, UNRELIABLE);
      traffic = simulateTraffic(standIn, { ...TRAFFIC, seed: Date.now() });
    }
    await showStatus(options, stopping.signal);
  }
}

async function showFirstSweep(
  { db, standIn, countClerkUsers }: WatchOptions,
  signal: AbortSignal,
): Promise<void> {
  const total = standIn?.users.count() ?? (await countClerkUsers());
  const bar = new cliProgress.SingleBar({
    format: '  First sweep {bar} {value}/{total} users, {duration_formatted}',
    hideCursor: true,
    noTTYOutput: true,
    notTTYSchedule: IN_LOG_MS,
  });
  bar.start(total, 0);
  while (!signal.aborted) {
    const overview = await readOverview(db).catch(() => null);
    if (overview) bar.update(Math.min(overview.liveUsers, total));
    if (overview?.lastReconcile) break;
    await setTimeout(100, undefined, { signal }).catch(() => undefined);
  }
  bar.stop();
}

async function showStatus({ db, standIn }: WatchOptions, signal: AbortSignal): Promise<void> {
  const { stdout } = process;
  while (!signal.aborted) {
    const [overview, webhooks] = await Promise.all([readOverview(db), judgeWebhooks(db)]).catch(() => [
      null,
      null,
    ]);
    const line =
      overview && webhooks
        ? [
            ...(standIn ? await standInWords(db, standIn) : []),
            ...words(overview),
            ...verdict(webhooks),
          ].join(' | ')
        : 'Postgres does not answer';
    if (stdout.isTTY) stdout.write(`\r\u001b[2K${line.slice(0, stdout.columns - 1)}`);
    else stdout.write(`${line}\n`);
    await setTimeout(stdout.isTTY ? ON_TERMINAL_MS : IN_LOG_MS, undefined, { signal }).catch(() => undefined);
  }
  if (stdout.isTTY) stdout.write('\n');
}

async function standInWords(db: Database, standIn: StandIn): Promise<string[]> {
  const { messages, lost } = standIn.webhooks.stats;
  const inSync = await countInSync(db, standIn);
  return [`Clerk ${standIn.users.count()}`, `in sync ${inSync}`, `webhooks ${messages}, lost ${lost}`];
}

const verdict = ({ verdict, repaired, delivered }: WebhookJudgement): string[] =>
  verdict === 'ok' ? [] : [`webhooks ${verdict}: ${repaired} repaired, ${delivered} delivered`];

function words({ liveUsers, webhookLagMs, lastReconcile }: Overview): string[] {
  const lag = webhookLagMs === null ? [] : [`lag ${Math.round(webhookLagMs)} ms`];
  if (!lastReconcile) return [`Postgres ${liveUsers}`, ...lag, 'no reconcile yet'];
  const { kind, seen, created, updated, deleted, restored, ageMs } = lastReconcile;
  const ago = Math.round(ageMs / 1000);
  const repaired = Object.entries({ created, updated, deleted, restored })
    .filter(([, count]) => count > 0)
    .map(([outcome, count]) => `${count} ${outcome}`);
  return [
    `Postgres ${liveUsers}`,
    ...lag,
    `${kind} of ${seen} ${ago} s ago: ${repaired.join(', ') || 'nothing to repair'}`,
  ];
}
