import { failure } from '../failures.js';
import type { Outcome, UserSnapshot, Writer } from '../user-change.js';
import { type Database, emailUniquenessOf, type Run, transaction } from './database.js';
import {
  type EmailHolder,
  isUniqueViolation,
  lockHolders,
  refusingEmailIndex,
  withholdFrom,
} from './email-holders.js';
import { Prisma } from './generated/client.js';

interface RefusedWrite<Applied> {
  snapshot: UserSnapshot;
  writer: Writer;
  /** Writes the row with its address in `email_withheld`. */
  writeWithheld(run: Run): Promise<Applied[]>;
}

/** Somebody else may take the address between two attempts; so often in a row nobody does. */
const MOST_ATTEMPTS = 5;

/**
 * Writes a row whose address another row has, in one transaction: the address is withheld from one of the two, as
 * EMAIL_UNIQUENESS says, and kept beside in `email_withheld`. A deleted user's row yields in any case.
 *
 * @param error what Postgres said to the write as it was.
 * @returns what was written, or null when it is not for this to settle: another constraint, or the setting `none`.
 * @throws what Postgres throws.
 * @remarks The hash is of what Clerk says and stays, so that no sweep finds a difference; and a row from which the address
 *   is withheld leaves it withheld when it is written again, so that two users do not take it from one another for ever.
 */
export async function settleTakenEmail<Applied extends { outcome: Outcome }>(
  db: Database,
  { snapshot, writer, writeWithheld }: RefusedWrite<Applied>,
  error: unknown,
): Promise<Applied[] | null> {
  const { clerkUserId, columns } = snapshot;
  const { email } = columns;
  if (email === null) return null;
  const index = await refusingEmailIndex(db, error);
  if (index === null) return null;
  const policy = emailUniquenessOf(db);
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    try {
      return await transaction(
        db,
        async (run) => {
          const holders = await lockHolders(run, index, { clerkUserId, email });
          const alive = holders.filter(({ isDeleted }) => !isDeleted);
          if (alive.length > 0 && policy === 'none') return null;
          const applied = await writeWithheld(run);
          if (applied.every(({ outcome }) => outcome === 'stale')) return applied;
          // Content that was known already says nothing new about whose the address is.
          const isNews = applied.some(({ outcome }) => outcome !== 'unchanged');
          // What a token says, and Clerk did not, takes nothing from anybody.
          const isClerks = snapshot.clerkUpdatedAtMs > 0;
          const takes = policy === 'take-over' || (policy === 'null-older' && isLater(alive));
          if (alive.length === 0 || (isNews && isClerks && takes)) {
            await withholdFrom(run, index, email, holders, writer);
            await run(Prisma.sql`
              UPDATE users SET email = email_withheld, email_withheld = NULL
              WHERE clerk_id = ${clerkUserId} AND deleted_at IS NULL AND email_withheld IS NOT NULL`);
          } else if (policy === 'quarantine') await recordTaken(run, clerkUserId, alive);
          return applied;
        },
        { erasureLock: 'shared' },
      );
    } catch (refused) {
      if (!isUniqueViolation(refused)) throw refused;
    }
  }
  return null;

  /** Whether this user was created after all of them; of two created in the same millisecond, the ids decide. */
  function isLater(others: readonly EmailHolder[]): boolean {
    return others.every((other) => {
      const otherMs = other.clerkCreatedAt?.getTime() ?? 0;
      return snapshot.clerkCreatedAtMs === otherMs
        ? clerkUserId > other.clerkUserId
        : snapshot.clerkCreatedAtMs > otherMs;
    });
  }
}

async function recordTaken(run: Run, clerkUserId: string, holders: readonly EmailHolder[]): Promise<void> {
  const names = holders.map((holder) => holder.clerkUserId).join(', ');
  const { message } = failure('EMAIL_TAKEN', `The other is ${names}.`);
  await run(Prisma.sql`
    INSERT INTO sync_failures (clerk_id, code, message, workflow_id, run_id, first_failed_at, last_failed_at)
    VALUES (${clerkUserId}, 'EMAIL_TAKEN', ${message}, '', '', now(), now())
    ON CONFLICT (clerk_id) DO UPDATE SET code = excluded.code, message = excluded.message,
      failures = sync_failures.failures + 1, last_failed_at = now(), resolved_at = NULL`);
}
