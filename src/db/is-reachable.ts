import { type Database, query } from './database.js';
import { Prisma } from './generated/client.js';

/** @returns whether Postgres answers a query now. */
export async function isReachable(db: Database): Promise<boolean> {
  try {
    await query(db, Prisma.sql`SELECT 1`, { inOneRoundTrip: true, withoutTables: true });
    return true;
  } catch {
    // Why not is of no interest to whoever asks whether; a write that fails says more.
    return false;
  }
}
