import { readConfig } from '../config.js';
import { connectDatabase } from '../db/database.js';
import { readClock } from '../db/read-clock.js';
import { readStatus } from '../db/read-status.js';
import { namesFor } from '../names.js';
import { placeOf, readPostgresAddress } from '../postgres-address.js';
import { endOnSignal } from './end-on-signal.js';
import { needsAttention } from './needs-attention.js';
import { statusText } from './status-text.js';

const CONNECT_TIMEOUT_MS = 5_000;

/** `clerk-sync status`. @returns the exit code: 0 when all is well, 1 when something needs a person. */
export async function status({ json }: { json?: boolean }): Promise<number> {
  endOnSignal();
  const config = readConfig(['DATABASE_URL']);
  const { DATABASE_URL = '' } = config;
  const db = connectDatabase({ url: DATABASE_URL, poolSize: 2, connectTimeoutMs: CONNECT_TIMEOUT_MS });
  try {
    // Ages are judged by the clock that timed the rows.
    const read = async () => {
      const { nowMs } = await readClock(db);
      return { nowMs, found: await readStatus(db, nowMs) };
    };
    const { nowMs, found } = await read().catch((cause: unknown) => {
      const why = cause instanceof Error ? cause.message : String(cause);
      const address = readPostgresAddress(DATABASE_URL);
      const where = 'problem' in address ? 'Postgres' : placeOf(address);
      throw new Error(`${where}: ${why}`, { cause });
    });
    const attention = needsAttention(
      found,
      nowMs,
      config.RECONCILE_INTERVAL_SECONDS * 1000,
      config.SWEEP_INTERVAL_SECONDS * 1000,
      namesFor(config.SYNC_NAME_PREFIX),
    );
    if (json) {
      const ok = attention.length === 0;
      console.log(JSON.stringify({ ok, attention, at: new Date(nowMs), ...found }, null, 2));
    } else console.log(statusText(found, attention, nowMs));
    return attention.length === 0 ? 0 : 1;
  } finally {
    await db.$disconnect();
  }
}
