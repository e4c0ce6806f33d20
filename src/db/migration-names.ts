import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** A folder for each migration, with its SQL. */
export const MIGRATIONS_FOLDER = fileURLToPath(new URL('../../prisma/migrations', import.meta.url));
/** Of our own, for an application's Prisma Migrate takes every row of `_prisma_migrations` for one of its own. */
export const MIGRATIONS_LEDGER = 'clerk_sync_migrations';

/** @returns the migrations of this version, in their order. */
export async function migrationNames(): Promise<string[]> {
  const entries = await readdir(MIGRATIONS_FOLDER, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}
