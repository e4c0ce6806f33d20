import type { Database } from './database.js';

/** @returns whether Postgres answers a query now. */
export async function isReachable(db: Database): Promise<boolean> {
  try {
    await db.$queryRaw`SELECT 1`;
    return true;
  } catch {
    // Why not is of no interest to whoever asks whether; a write that fails says more.
    return false;
  }
}
