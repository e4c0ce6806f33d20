import { IS_ASKABLE } from './askable.js';
import { Prisma } from './generated/client.js';

/** Rows of users whom Clerk, asked by id after they were written, does not have. */
export const GONE_ROWS = Prisma.sql`
  FROM deletion_candidates JOIN users USING (clerk_id)
  WHERE gone_at >= observed_at AND deleted_at IS NULL`;

/** How many of them an operator decided to keep. */
export const KEPT_ROWS = Prisma.sql`SELECT count(*)::int ${GONE_ROWS} AND rejected_at IS NOT NULL`;

/** How many of them were withheld for an operator, who has not decided yet. Those left the next sweep deletes, or withholds. */
export const WAITING_DELETIONS = Prisma.sql`
  SELECT count(*)::int ${GONE_ROWS} AND withheld_over IS NOT NULL AND rejected_at IS NULL`;

/** Candidates about whom Clerk has not been asked since their rows were written. An operator's `rejected` ones are not among them. */
export const UNASKED_ROWS = Prisma.sql`
  FROM deletion_candidates JOIN users USING (clerk_id)
  WHERE (gone_at IS NULL OR gone_at < observed_at) AND rejected_at IS NULL AND deleted_at IS NULL AND ${IS_ASKABLE}`;

/** How many live rows Clerk does not list, and cannot be asked about: somebody made them by hand. */
export const FOREIGN_ROWS = Prisma.sql`
  SELECT count(*)::int FROM deletion_candidates JOIN users USING (clerk_id)
  WHERE deleted_at IS NULL AND NOT ${IS_ASKABLE}`;
