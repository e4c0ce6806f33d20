import { IS_ASKABLE } from './askable.js';
import { type Database, transaction } from './database.js';
import { type UnlistedQuery, unlisted } from './find-unlisted-users.js';
import { Prisma } from './generated/client.js';
import { postgresFailure } from './postgres-failure.js';
import { runStatement } from './run-statement.js';
import { GONE_ROWS, UNASKED_ROWS } from './waiting-deletions.js';

/** A live row whose user Clerk, asked by id, no longer has. */
export interface GoneUser {
  clerkUserId: string;
  /** When the request started that did not show the user, Unix milliseconds. */
  goneAtMs: number;
}

/** A page of Clerk's list, and the sweep that read it. */
export type ListedPage = Omit<UnlistedQuery, 'most'> & { runId: string };

/**
 * CTEs that bring the candidates up to date with a page: whom it lists is none any more, and live rows that belong on it
 * and are missing are. Safe to repeat.
 *
 * The pages' ranges cover every row exactly once, so a whole sweep misses none. Where Clerk orders users created in the
 * same millisecond otherwise than by id, a live user may be a candidate; asking Clerk by id then clears it.
 */
export const candidatesOf = (page: ListedPage): Prisma.Sql => Prisma.sql`
      listed AS (
        DELETE FROM deletion_candidates WHERE clerk_id = ANY (${page.listedIds}::text[])
      ), missing AS (
        INSERT INTO deletion_candidates (clerk_id, run_id, found_at)
        SELECT clerk_id, ${page.runId}, now() FROM users WHERE ${unlisted(page)}
        ON CONFLICT (clerk_id) DO NOTHING
      )`;

/** @returns whether a candidate is to be asked about, or to be deleted; an operator's `rejected` ones are neither. */
export async function hasCandidates(db: Database): Promise<boolean> {
  const [row] = await runStatement<{ some: boolean }>(
    db,
    'Looking for candidates for deletion.',
    Prisma.sql`
      SELECT EXISTS (
        SELECT FROM deletion_candidates JOIN users USING (clerk_id)
        WHERE deleted_at IS NULL AND rejected_at IS NULL AND ${IS_ASKABLE}
      ) AS some`,
    { inOneRoundTrip: true },
  );
  return row?.some ?? true;
}

/**
 * @param after the last id of the list before; null at the beginning.
 * @returns ids of {@link UNASKED_ROWS}, in order.
 */
export async function listUnaskedCandidates(
  db: Database,
  after: string | null,
  most: number,
): Promise<string[]> {
  const rows = await runStatement<{ clerkUserId: string }>(
    db,
    'Listing candidates for deletion.',
    Prisma.sql`
      SELECT clerk_id AS "clerkUserId" ${UNASKED_ROWS}
        AND clerk_id > ${after ?? ''}
      ORDER BY clerk_id LIMIT ${most}`,
  );
  return rows.map((row) => row.clerkUserId);
}

/** Notes what Clerk answered: the gone keep the time of the request, the others are no candidates any more. */
export async function recordAnswer(
  db: Database,
  answer: { gone: readonly string[]; alive: readonly string[]; observedAtMs: number },
): Promise<void> {
  try {
    await transaction(db, async (run) => {
      await run(Prisma.sql`DELETE FROM deletion_candidates WHERE clerk_id = ANY (${answer.alive}::text[])`);
      await run(Prisma.sql`
        UPDATE deletion_candidates SET gone_at = ${new Date(answer.observedAtMs)}::timestamptz, found_at = now()
        WHERE clerk_id = ANY (${answer.gone}::text[])`);
    });
  } catch (error) {
    throw postgresFailure(error, 'Recording an answer about candidates.');
  }
}

/** Rows that can be deleted on Clerk's word, which is newer. */
export const DUE = ({ foundUpToMs, withKept }: GoneSelection) => Prisma.sql`${GONE_ROWS}
    ${withKept ? Prisma.empty : Prisma.sql`AND rejected_at IS NULL`}
    AND found_at <= ${foundUpToMs === null ? Prisma.sql`'infinity'` : new Date(foundUpToMs)}::timestamptz`;

export interface GoneSelection {
  /** Those found gone up to a time, by the database's clock; Unix milliseconds, null for all. */
  foundUpToMs: number | null;
  /** Whether those are meant too whom an operator decided to keep. */
  withKept: boolean;
}

export interface GoneCount {
  gone: number;
  /** When the last of them was found, by the database's clock; Unix milliseconds. */
  foundUpToMs: number;
  /** Rows that reconciles deleted by themselves in the last 24 hours, by the database's clock. */
  deletedLately: number;
  /** The least that `withholdGoneUsers` noted for one of them; null where none was withheld. */
  withheldOver: number | null;
  /** How many candidates more Clerk has not been asked about: some of them may be gone as well. */
  unasked: number;
}

/** Those that an operator decided about have the operator as their writer. */
const DELETED_LATELY = Prisma.sql`
  SELECT count(*)::int FROM user_changes
  WHERE kind = 'deleted' AND writer = 'reconcile' AND changed_at > now() - interval '24 hours'`;

/** @returns how many rows could be deleted, and what decides whether that needs an operator. */
export async function countGoneUsers(db: Database, selection: GoneSelection): Promise<GoneCount> {
  const [row] = await runStatement<Omit<GoneCount, 'foundUpToMs'> & { foundUpTo: Date | null }>(
    db,
    'Counting users that are gone.',
    Prisma.sql`SELECT count(*)::int AS gone, max(found_at) AS "foundUpTo", min(withheld_over) AS "withheldOver",
      (${DELETED_LATELY}) AS "deletedLately", (SELECT count(*)::int ${UNASKED_ROWS}) AS unasked ${DUE(selection)}`,
  );
  const { gone = 0, foundUpTo, deletedLately = 0, withheldOver = null, unasked = 0 } = row ?? {};
  return { gone, foundUpToMs: foundUpTo?.getTime() ?? 0, deletedLately, withheldOver, unasked };
}

/** @returns rows that could be deleted, in the order of their ids. */
export async function listGoneUsers(
  db: Database,
  wanted: GoneSelection & { after: string | null; most: number },
): Promise<GoneUser[]> {
  const rows = await runStatement<{ clerkUserId: string; goneAt: Date }>(
    db,
    'Listing users that are gone.',
    Prisma.sql`
      SELECT clerk_id AS "clerkUserId", gone_at AS "goneAt" ${DUE(wanted)}
        AND clerk_id > ${wanted.after ?? ''}
      ORDER BY clerk_id LIMIT ${wanted.most}`,
  );
  return rows.map((row) => ({ clerkUserId: row.clerkUserId, goneAtMs: row.goneAt.getTime() }));
}

/** Keeps, on an operator's word, the rows that could be deleted, until a sweep sees their users again. @returns how many. */
export async function rejectGoneUsers(db: Database, foundUpToMs: number): Promise<number> {
  const kept = await runStatement(
    db,
    'Keeping users that are gone.',
    Prisma.sql`
      UPDATE deletion_candidates SET rejected_at = now()
      WHERE clerk_id IN (SELECT clerk_id ${GONE_ROWS}) AND rejected_at IS NULL AND found_at <= ${new Date(foundUpToMs)}::timestamptz
      RETURNING clerk_id`,
  );
  return kept.length;
}

/** Forgets candidates whose rows are deleted by now. */
export async function forgetSettledCandidates(db: Database): Promise<void> {
  await runStatement(
    db,
    'Forgetting settled candidates.',
    Prisma.sql`
      DELETE FROM deletion_candidates AS candidate
      WHERE NOT EXISTS (SELECT FROM users WHERE users.clerk_id = candidate.clerk_id AND deleted_at IS NULL)`,
    { inOneRoundTrip: true },
  );
}
