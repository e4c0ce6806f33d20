import { setTimeout } from 'node:timers/promises';
import type { Database } from '../db/database.js';
import { findPendingMigrations } from '../db/find-pending-migrations.js';
import { readSyncReadings } from '../db/read-sync-readings.js';
import { type FailureCode, failureCode } from '../failures.js';
import type { Logger } from '../log.js';

const RETRY_MS = 2_000;
const AGAIN_AFTER_MS = 60_000;

/**
 * Looks at Postgres and at the migrations until both are as this version needs them. Nobody has to wait for it: webhooks
 * are taken and activities retried meanwhile. What is wrong, and what to do, is logged at once and then every minute.
 *
 * @returns true once all is there, false when told to end before.
 */
export async function waitForTables(db: Database, log: Logger, ending: AbortSignal): Promise<boolean> {
  const told = new Promise<false>((resolve) => {
    ending.addEventListener('abort', () => resolve(false), { once: true });
  });
  let last: { detail: string; atMs: number } | undefined;
  while (!ending.aborted) {
    // Against a server that hangs, an answer may take half a minute.
    const problem = await Promise.race([problemNow(db), told]);
    if (problem === false) break;
    if (problem === null) {
      if (last !== undefined) log.info('Postgres is ready');
      return true;
    }
    const { code, detail } = problem;
    const atMs = performance.now();
    if (last?.detail !== detail || atMs - last.atMs > AGAIN_AFTER_MS) {
      last = { detail, atMs };
      log[code === 'SCHEMA_MISSING' ? 'error' : 'warn']({ code, detail }, 'Waiting for Postgres');
    }
    await setTimeout(RETRY_MS, undefined, { signal: ending }).catch(() => undefined);
  }
  return false;
}

async function problemNow(db: Database): Promise<{ code: FailureCode | 'UNKNOWN'; detail: string } | null> {
  try {
    await readSyncReadings(db);
    const pending = await findPendingMigrations(db);
    if (pending.length === 0) return null;
    return {
      code: 'SCHEMA_MISSING',
      detail: `Not applied yet: ${pending.join(', ')}. Run \`clerk-sync migrate\` with the same DATABASE_URL.`,
    };
  } catch (error) {
    return {
      code: failureCode(error) ?? 'UNKNOWN',
      detail: error instanceof Error ? error.message : 'No reason was given.',
    };
  }
}
