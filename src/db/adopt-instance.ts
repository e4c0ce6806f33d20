import { type Database, query } from './database.js';
import { Prisma } from './generated/client.js';
import { postgresFailure } from './postgres-failure.js';

/**
 * Makes the table the given Clerk instance's if it is nobody's yet.
 *
 * @returns the instance that the table belongs to: the given one, or the one that came before.
 * @throws POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 */
export async function adoptInstance(db: Database, instanceId: string): Promise<string> {
  try {
    const adopted = await selectInstance(db);
    if (adopted !== null) return adopted;
    await query(
      db,
      Prisma.sql`
        INSERT INTO synced_instance (instance_id, adopted_at) VALUES (${instanceId}, now())
        ON CONFLICT (id) DO NOTHING`,
      { inOneRoundTrip: true },
    );
    return (await selectInstance(db)) ?? instanceId;
  } catch (error) {
    throw postgresFailure(error, 'Looking up the Clerk instance of the table.');
  }
}

/**
 * @returns the instance that the table belongs to; null before the first sweep.
 * @throws POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 */
export async function readInstance(db: Database): Promise<string | null> {
  try {
    return await selectInstance(db);
  } catch (error) {
    throw postgresFailure(error, 'Looking up the Clerk instance of the table.');
  }
}

async function selectInstance(db: Database): Promise<string | null> {
  const [row] = await query<{ instanceId: string }>(
    db,
    Prisma.sql`SELECT instance_id AS "instanceId" FROM synced_instance`,
    { inOneRoundTrip: true },
  );
  return row?.instanceId ?? null;
}
