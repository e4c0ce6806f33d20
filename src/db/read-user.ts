import { type Database, query } from './database.js';
import { Prisma, type User } from './generated/client.js';
import { postgresFailure } from './postgres-failure.js';

/** A row of `users` with the names that the Prisma model gives its columns. */
export type UserRow = User;

const COLUMNS = Prisma.raw(
  Object.values(Prisma.UserScalarFieldEnum)
    .map((field) => `${field.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)} AS "${field}"`)
    .join(', '),
);

/**
 * @param tombstone whether a deleted user's row is wanted, too.
 * @returns the user's row; null when there is none.
 * @throws POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 */
export async function readUser(
  db: Database,
  clerkUserId: string,
  { tombstone = false }: { tombstone?: boolean } = {},
): Promise<UserRow | null> {
  try {
    const [row] = await query<UserRow>(
      db,
      Prisma.sql`SELECT ${COLUMNS} FROM users WHERE clerk_id = ${clerkUserId} ${tombstone ? Prisma.empty : Prisma.sql`AND deleted_at IS NULL`}`,
      { inOneRoundTrip: true },
    );
    return row ?? null;
  } catch (error) {
    throw postgresFailure(error, 'Reading a user.');
  }
}
