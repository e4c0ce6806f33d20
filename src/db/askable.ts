import { Prisma } from './generated/client.js';

/**
 * The condition that a row's id has the shape of Clerk's ids, as `isClerkUserId` sees it. Clerk cannot be asked about
 * another: it would refuse the whole question, or take a sign before the id for an instruction.
 */
export const IS_ASKABLE = Prisma.sql`clerk_id ~ '^user_[0-9A-Za-z_]{1,250}$'`;
