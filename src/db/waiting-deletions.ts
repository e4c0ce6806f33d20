import { Prisma } from './generated/client.js';

/** How many rows wait for an operator: Clerk, asked by id, does not have their users, and nobody has decided yet. */
export const WAITING_DELETIONS = Prisma.sql`
  SELECT count(*)::int FROM deletion_candidates JOIN users USING (clerk_id)
  WHERE gone_at IS NOT NULL AND rejected_at IS NULL AND deleted_at IS NULL`;
