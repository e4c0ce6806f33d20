import type { Database } from './database.js';
import { Prisma } from './generated/client.js';
import { runStatement } from './run-statement.js';

/**
 * From now on every change of a user is noted for the hooks, whoever writes it. What was written before is not news.
 *
 * @param skipExisting whether those whom Clerk has already are no news either when the first sweep creates their rows.
 * @throws POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 * @remarks Safe to repeat: hooks that are on stay on, as they were turned on. Only a person turns them off; see the README.
 */
export async function turnOnHooks(db: Database, skipExisting: boolean): Promise<void> {
  await runStatement(
    db,
    'Turning hooks on.',
    Prisma.sql`INSERT INTO hooks_switch (on_since, skip_existing) VALUES (now(), ${skipExisting}) ON CONFLICT DO NOTHING`,
    { inOneRoundTrip: true },
  );
}
