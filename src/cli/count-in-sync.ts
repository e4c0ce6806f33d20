import type { StandIn } from '../clerk-stand-in/start-stand-in.js';
import type { Database } from '../db/database.js';
import { listVersions } from '../db/list-versions.js';

/** @returns how many of the stand-in's users have a live row of their newest version. */
export async function countInSync(db: Database, standIn: StandIn): Promise<number> {
  const versions = await listVersions(db);
  let inSync = 0;
  for (const id of standIn.users.ids()) {
    if (standIn.users.has(id) && standIn.users.get(id).updated_at === versions.get(id)) inSync += 1;
  }
  return inSync;
}
