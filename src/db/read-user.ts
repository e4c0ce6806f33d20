import type { MappedRowValue } from '../mapped-value.js';
import type { UserMapping } from '../user-mapping.js';
import { type Database, query } from './database.js';
import { Prisma, type User } from './generated/client.js';
import { selectFields } from './model-columns.js';
import { postgresFailure } from './postgres-failure.js';
import { mappedFailure } from './unfit-columns.js';
import { readMapped } from './user-columns.js';

/**
 * A row of `users` with the names that the Prisma model gives its columns; and, of `UserRow<typeof mapping>`, the columns
 * that the application mapped, by the names it gave them: text, a number, a boolean, a Date or parsed JSON, and of
 * `bigint` and `numeric` the digits as text.
 */
export type UserRow<Mapping extends UserMapping | undefined = undefined> =
  Mapping extends UserMapping<infer Column>
    ? string extends Column['name']
      ? User
      : User & { [One in Column as One['name']]: MappedRowValue[One['type']] | null }
    : User;

const COLUMNS = selectFields(Prisma.UserScalarFieldEnum);

/**
 * @param tombstone whether a deleted user's row is wanted, too.
 * @param mapping whose columns the row has besides.
 * @returns the user's row; null when there is none.
 * @throws POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried), which names a mapped column that is missing.
 */
export async function readUser<Mapping extends UserMapping | undefined = undefined>(
  db: Database,
  clerkUserId: string,
  { tombstone = false, mapping }: { tombstone?: boolean; mapping?: Mapping } = {},
): Promise<UserRow<Mapping> | null> {
  const mapped = mapping?.columns ?? [];
  try {
    const [row] = await query<UserRow<Mapping>>(
      db,
      Prisma.sql`SELECT ${Prisma.raw([...COLUMNS, ...readMapped(mapped)].join(', '))} FROM users WHERE clerk_id = ${clerkUserId} ${tombstone ? Prisma.empty : Prisma.sql`AND deleted_at IS NULL`}`,
      { inOneRoundTrip: true },
    );
    return row ?? null;
  } catch (error) {
    throw await mappedFailure(db, mapped, postgresFailure(error, 'Reading a user.'));
  }
}
