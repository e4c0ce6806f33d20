import { createClerkApi } from '../clerk/clerk-api.js';
import { type Config, readConfig } from '../config.js';
import { connectDatabase } from '../db/database.js';
import type { FieldValues } from '../db/find-drift.js';
import { namesFor } from '../names.js';
import type { ReconcileMode, ReconcileResult } from '../workflows/reconcile-messages.js';
import { compareValues } from './compare-values.js';
import { connectTemporal } from './connect-temporal.js';
import { loadClerkSyncConfig } from './load-clerk-sync-config.js';
import { showProgress } from './reconcile-progress.js';
import {
  applyReport,
  exitCodeOf,
  planReport,
  type ReconcileRuns,
  validationReport,
} from './reconcile-report.js';
import { runReconcile } from './run-reconcile.js';

export interface ReconcileCommandOptions {
  plan?: boolean;
  values?: boolean;
  json?: boolean;
  mostDeletions?: number;
  /** true: judge only. false: do not judge after repairing. */
  validate?: boolean;
}

const CANCELLED = 130;
/** Of ending in order after a signal, whatever hangs; a container is killed after 10 s. */
const ENDING_MS = 5_000;

/**
 * `clerk-sync reconcile`: starts the workflow and shows how far it is; a worker does the work.
 *
 * @returns the exit code, see `exitCodeOf`; 130 when it was cancelled.
 */
export async function reconcile(options: ReconcileCommandOptions): Promise<number> {
  const asked = options.validate ? 'validate' : options.plan ? 'plan' : 'apply';
  if (options.values && asked !== 'plan')
    throw new Error('--values shows what a plan found: use it with --plan.');
  if (options.values && options.json)
    throw new Error('--values is for the eye and holds personal data: leave --json away.');
  const config = readConfig(options.values ? ['CLERK_SECRET_KEY', 'DATABASE_URL'] : []);
  const cancel = new AbortController();
  const overdue = new Promise<number>((resolve) => {
    cancel.signal.addEventListener('abort', () => setTimeout(() => resolve(abandoned()), ENDING_MS));
  });
  const onSignal = () => {
    if (cancel.signal.aborted) process.exit(CANCELLED);
    cancel.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, onSignal);
  try {
    return await Promise.race([runAll(asked, config, options, cancel.signal), overdue]);
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, onSignal);
  }
}

async function runAll(
  asked: ReconcileRuns['asked'],
  config: Config,
  options: ReconcileCommandOptions,
  cancel: AbortSignal,
): Promise<number> {
  const client = await connectTemporal(config);
  try {
    const run = (mode: ReconcileMode) => {
      const limit = options.mostDeletions === undefined ? {} : { mostDeletions: options.mostDeletions };
      const input = { kind: 'sweep', mode, ...limit } as const;
      return runReconcile(
        client,
        namesFor(config.SYNC_NAME_PREFIX),
        input,
        showProgress(process.stderr),
        cancel,
      );
    };
    const result = cancel.aborted ? null : await run(asked === 'apply' ? 'apply' : 'plan');
    if (result === null) return cancelled();
    const runs: ReconcileRuns = { asked, result };
    if (!options.json) print(await reportOf(runs, config, options));
    if (asked === 'apply' && options.validate !== false) {
      const validation = cancel.aborted ? null : await run('plan');
      if (validation === null) return cancelled();
      runs.validation = validation;
      if (!options.json) print(['', ...validationReport(validation, Date.now())]);
    }
    const exitCode = exitCodeOf(runs);
    if (options.json) console.log(JSON.stringify({ exitCode, ...runs }, null, 2));
    return exitCode;
  } finally {
    await client.connection.close();
  }
}

async function reportOf(
  { asked, result }: ReconcileRuns,
  config: Config,
  { values }: ReconcileCommandOptions,
): Promise<string[]> {
  if (asked === 'apply') return applyReport(result, namesFor(config.SYNC_NAME_PREFIX));
  if (asked === 'validate') return validationReport(result, Date.now());
  return planReport(
    result,
    Date.now(),
    values ? await valuesOf(result, config).catch(withoutValues) : undefined,
  );
}

async function valuesOf(
  { examples = [] }: ReconcileResult,
  config: Config,
): Promise<Map<string, readonly FieldValues[]>> {
  const { mapping } = await loadClerkSyncConfig(config.CLERK_SYNC_CONFIG);
  const db = connectDatabase({ url: config.DATABASE_URL ?? '', poolSize: 1 });
  try {
    return await compareValues(
      {
        clerk: createClerkApi({
          secretKey: config.CLERK_SECRET_KEY ?? '',
          apiUrl: config.CLERK_API_URL,
        }),
        db,
        keepPrivateMetadata: config.STORE_PRIVATE_METADATA,
        mapping,
      },
      examples.map(({ clerkUserId }) => clerkUserId),
    );
  } finally {
    await db.$disconnect();
  }
}

/** The plan may have taken an hour; it is shown all the same. */
function withoutValues(error: unknown): undefined {
  console.error(`The values cannot be shown: ${error instanceof Error ? error.message : error}`);
}

const print = (lines: readonly string[]): void => console.log(lines.join('\n'));

function cancelled(): number {
  console.error('Cancelled.');
  return CANCELLED;
}

function abandoned(): number {
  console.error(
    "Not waiting any longer. If Temporal took the cancellation, the reconcile ends as soon as a worker answers and what it waits for goes through; to end it now, terminate it in Temporal's Web UI.",
  );
  return CANCELLED;
}
