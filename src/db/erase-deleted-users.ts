import type { Database } from './database.js';
export async function eraseDeletedUsers(
  _db: Database,
  _options: {
    mode: 'soft' | 'anonymise' | 'hard';
    holdbackMs: number;
    clerkUserIds?: readonly string[];
    most?: number;
  },
): Promise<number> {
  return 0;
}
