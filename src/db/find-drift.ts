import type { UserSnapshot } from '../user-change.js';
import type { Database } from './database.js';
export async function findDrift(
  _db: Database,
  _snapshots: readonly UserSnapshot[],
): Promise<{
  drifts: {
    clerkUserId: string;
    outcome: 'created' | 'updated' | 'restored';
    changedFields: string[];
    sinceMs: number;
  }[];
}> {
  return { drifts: [] };
}
