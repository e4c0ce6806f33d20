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
    await db.$executeRaw`
      INSERT INTO synced_instance (instance_id, adopted_at) VALUES (${instanceId}, now())
      ON CONFLICT (id) DO NOTHING`;
    const [row] = await query<{ instanceId: string }>(
      db,
      Prisma.sql`SELECT instance_id AS "instanceId" FROM synced_instance`,
    );
    return row?.instanceId ?? instanceId;
  } catch (error) {
    throw postgresFailure(error, 'Looking up the Clerk instance of the table.');
  }
}
