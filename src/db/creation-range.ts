import { Prisma } from './generated/client.js';

/** A user's place in the order of creation, ids breaking ties. */
export interface CreationPlace {
  clerkUserId: string;
  clerkCreatedAtMs: number;
}

/** Users between two places: of a window of creation times, those after one page's end up to another's. */
export interface CreationRange {
  /** Unix milliseconds; null for no bound. */
  fromMs: number | null;
  /** Not included. */
  toMs: number | null;
  after: CreationPlace | null;
  upTo: CreationPlace | null;
}

/**
 * The condition on `users` that a row is live and lies in the range; the index `users_by_creation` answers it.
 *
 * @remarks The times stand by themselves too: of a comparison of places alone Postgres does not see how narrow it is, and
 *   would read the whole table for the last pages of a list.
 */
export function liveIn({ fromMs, toMs, after, upTo }: CreationRange): Prisma.Sql {
  const time = (ms: number) => Prisma.sql`${new Date(ms).toISOString()}::timestamptz`;
  const place = ({ clerkCreatedAtMs, clerkUserId }: CreationPlace) =>
    Prisma.sql`(${time(clerkCreatedAtMs)}, ${clerkUserId}::text COLLATE "C")`;
  return Prisma.join(
    [
      Prisma.sql`deleted_at IS NULL`,
      ...(fromMs === null ? [] : [Prisma.sql`clerk_created_at >= ${time(fromMs)}`]),
      ...(toMs === null ? [] : [Prisma.sql`clerk_created_at < ${time(toMs)}`]),
      ...(after === null
        ? []
        : [
            Prisma.sql`clerk_created_at >= ${time(after.clerkCreatedAtMs)}`,
            Prisma.sql`(clerk_created_at, clerk_id) > ${place(after)}`,
          ]),
      ...(upTo === null
        ? []
        : [
            Prisma.sql`clerk_created_at <= ${time(upTo.clerkCreatedAtMs)}`,
            Prisma.sql`(clerk_created_at, clerk_id) <= ${place(upTo)}`,
          ]),
    ],
    ' AND ',
  );
}
