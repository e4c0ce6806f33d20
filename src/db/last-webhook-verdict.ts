import type { Database } from './database.js';
import { latestCompletedRun } from './latest-completed-run.js';
import { postgresFailure } from './postgres-failure.js';

/**
 * @returns what the latest completed reconcile judged of webhooks; null before the first.
 * @throws POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 */
export async function lastWebhookVerdict(db: Database): Promise<string | null> {
  try {
    return (await latestCompletedRun(db))?.webhooks ?? null;
  } catch (error) {
    throw postgresFailure(error, 'Looking for the last verdict about webhooks.');
  }
}
