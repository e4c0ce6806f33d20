import { Prisma } from './generated/client.js';

/** Rows of users whom Clerk, asked by id after they were written, does not have. */
export const GONE_ROWS = Prisma.sql`
  FROM deletion_candidates JOIN users USING (clerk_id)
  WHERE gone_at >= observed_at AND deleted_at IS NULL`;

/** How many of them an operator decided to keep. */
export const KEPT_ROWS = Prisma.sql`SELECT count(*)::int ${GONE_ROWS} AND rejected_at IS NOT NULL`;

/** How many of them wait for an operator, who has not decided yet. */
export const WAITING_DELETIONS = Prisma.sql`SELECT count(*)::int ${GONE_ROWS} AND rejected_at IS NULL`;
