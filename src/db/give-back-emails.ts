import { type Database, emailUniquenessOf, query, transaction } from './database.js';
import {
  changedBy,
  type EmailClaim,
  isUniqueViolation,
  lockHolders,
  logged,
  refusingEmailIndex,
  withholdFrom,
} from './email-holders.js';
import { Prisma } from './generated/client.js';
import { postgresFailure } from './postgres-failure.js';

/** The rest waits for the next reconcile. */
const MOST = 500;

/**
 * Gives addresses back to those from whom they are withheld and whose other user has let go of them; of several, to the
 * one created last. Each is logged as a change of `email`.
 *
 * With EMAIL_UNIQUENESS=none nothing is withheld any more: those rows are left for the next sweep to repair.
 *
 * @throws ROW_REJECTED (not retried), POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 * @remarks Safe to repeat, and beside any writer: whoever has the address by then keeps it.
 */
export async function giveBackEmails(db: Database): Promise<void> {
  try {
    if (emailUniquenessOf(db) === 'none') {
      await query(
        db,
        Prisma.sql`UPDATE users SET email_withheld = NULL, content_hash = 'edited' WHERE email_withheld IS NOT NULL AND deleted_at IS NULL`,
      );
      return;
    }
    for (const claim of await query<EmailClaim>(db, FREE)) await giveBack(db, claim);
  } catch (error) {
    throw postgresFailure(error, 'Giving e-mails back.');
  }
}

const NOBODY_HAS_IT = Prisma.sql`email_withheld IS NOT NULL AND deleted_at IS NULL AND NOT EXISTS (
  SELECT FROM users AS holder WHERE holder.email = users.email_withheld AND holder.deleted_at IS NULL
)`;

const FREE = Prisma.sql`
  SELECT clerk_id AS "clerkUserId", email_withheld AS email FROM users WHERE ${NOBODY_HAS_IT}
  ORDER BY clerk_created_at DESC, clerk_id DESC LIMIT ${MOST}`;

async function giveBack(db: Database, claim: EmailClaim): Promise<void> {
  const statement = Prisma.sql`
    WITH changed AS (
      UPDATE users SET email = email_withheld, email_withheld = NULL, ${changedBy('reconcile')}
      WHERE clerk_id = ${claim.clerkUserId} AND email_withheld = ${claim.email} AND ${NOBODY_HAS_IT}
      RETURNING clerk_id, revision, clerk_updated_at, observed_at
    ) ${logged('reconcile')}`;
  try {
    await query(db, statement);
  } catch (error) {
    // A deleted user's row has it, or somebody took it just now.
    const index = await refusingEmailIndex(db, error);
    if (index === null) throw error;
    await transaction(db, async (run) => {
      const holders = await lockHolders(run, index, claim);
      if (holders.some(({ isDeleted }) => !isDeleted)) return;
      await withholdFrom(run, index, claim.email, holders, 'reconcile');
      await run(statement);
    }).catch((refused: unknown) => {
      // The next reconcile tries again.
      if (!isUniqueViolation(refused)) throw refused;
    });
  }
}
