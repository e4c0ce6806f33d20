import { DatabaseError } from 'pg';
import type { Writer } from '../user-change.js';
import { type Database, query, type Run } from './database.js';
import { Prisma } from './generated/client.js';

/** A unique index of the application's over the address alone: what is unique, and in which rows. */
export interface EmailIndex {
  /** `email`, or an expression such as `lower(email)`. */
  expression: string;
  predicate: string | null;
}

/** Whose address it is to be. */
export interface EmailClaim {
  clerkUserId: string;
  email: string;
}

export interface EmailHolder {
  clerkUserId: string;
  isDeleted: boolean;
  clerkCreatedAt: Date | null;
}

/** @returns the unique index by which Postgres refused a row, if it is one over the address; else null. */
export async function refusingEmailIndex(db: Database, error: unknown): Promise<EmailIndex | null> {
  if (!isUniqueViolation(error) || error.constraint === undefined) return null;
  const [index] = await query<EmailIndex>(
    db,
    Prisma.sql`
    SELECT pg_get_indexdef(indexrelid, 1, true) AS expression, pg_get_expr(indpred, indrelid) AS predicate
    FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    WHERE indrelid = 'users'::regclass AND relname = ${error.constraint} AND indisunique AND indnkeyatts = 1`,
  );
  return index !== undefined && /\bemail\b/.test(index.expression) ? index : null;
}

export const isUniqueViolation = (error: unknown): error is DatabaseError =>
  error instanceof DatabaseError && error.code === '23505';

/** The first half of an advisory lock's two numbers; the second is of the address. */
const EMAIL_LOCK = 2_026_112_102;

/**
 * Holds the claimant's row, and those that have the address, until the transaction ends; rows are taken in the order of
 * their ids, as by every writer. Claimants of one address come one after the other: they would take it from under one
 * another's hands.
 *
 * @returns those that have it, without the claimant.
 */
export async function lockHolders(run: Run, index: EmailIndex, claim: EmailClaim): Promise<EmailHolder[]> {
  await run(
    Prisma.sql`SELECT pg_advisory_xact_lock(${EMAIL_LOCK}::int, hashtext(lower(${claim.email})))::text`,
  );
  // First without locks: an OR over both would read the whole table.
  const found = await run<{ clerkUserId: string }>(
    Prisma.sql`SELECT clerk_id AS "clerkUserId" FROM users WHERE ${isHeld(index, claim.email)}`,
  );
  const ids = [claim.clerkUserId, ...found.map(({ clerkUserId }) => clerkUserId)];
  const locked = await run<EmailHolder>(Prisma.sql`
    SELECT clerk_id AS "clerkUserId", deleted_at IS NOT NULL AS "isDeleted", clerk_created_at AS "clerkCreatedAt"
    FROM users WHERE clerk_id = ANY (${ids}::text[]) ORDER BY clerk_id FOR UPDATE`);
  return locked.filter(({ clerkUserId }) => clerkUserId !== claim.clerkUserId);
}

/** Withholds the address from its holders, and logs it. A tombstone is not logged: of a deleted user nothing changes any more. */
export async function withholdFrom(
  run: Run,
  index: EmailIndex,
  email: string,
  holders: readonly EmailHolder[],
  writer: Writer,
): Promise<void> {
  const ids = holders.map(({ clerkUserId }) => clerkUserId);
  await run(Prisma.sql`
    UPDATE users SET email = NULL, email_withheld = email
    WHERE clerk_id = ANY (${ids}::text[]) AND deleted_at IS NOT NULL AND ${isHeld(index, email)}`);
  await run(Prisma.sql`
    WITH changed AS (
      UPDATE users SET email = NULL, email_withheld = email, ${changedBy(writer)}
      WHERE clerk_id = ANY (${ids}::text[]) AND deleted_at IS NULL AND ${isHeld(index, email)}
      RETURNING clerk_id, revision, clerk_updated_at, observed_at
    ) ${logged(writer)}`);
}

/** What a change of the address alone does to a row beside it. */
export const changedBy = (writer: Writer): Prisma.Sql => Prisma.sql`revision = revision + 1,
  last_outcome = 'updated', last_changed_fields = '{email}', synced_at = now(), synced_by = ${writer}`;

/** Logs the rows of the CTE `changed`. Clerk and the row had not differed, so it is no drift, whoever writes. */
export const logged = (writer: Writer): Prisma.Sql => Prisma.sql`
  INSERT INTO user_changes (clerk_id, revision, kind, writer, clerk_updated_at, observed_at, changed_fields, changed_at)
  SELECT clerk_id, revision, 'updated', ${writer}, clerk_updated_at, observed_at, '{email}', now() FROM changed`;

/** The index's own words, out of the catalogue, over a row that has nothing but the address. */
const isHeld = ({ expression, predicate }: EmailIndex, email: string): Prisma.Sql => Prisma.sql`
  ${Prisma.raw(expression)} = (
    SELECT ${Prisma.raw(expression)} FROM jsonb_populate_record(NULL::users, jsonb_build_object('email', ${email}::text)) AS claimed
  ) ${predicate === null ? Prisma.empty : Prisma.raw(`AND (${predicate})`)}`;
