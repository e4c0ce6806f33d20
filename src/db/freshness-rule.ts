import { RESTORE_AFTER_MS } from '../user-change.js';
import { Prisma } from './generated/client.js';

/**
 * The one freshness rule, as SQL over a stored row and an incoming one. Written once and used twice in a statement:
 * before the write, so that rows with nothing new are not even locked, and in ON CONFLICT, where it decides about
 * rows that another writer changed meanwhile. It can only turn from true to false under other writers, so the first
 * use never hides what the second would let through.
 *
 * @see user-change.ts for the same rule over two changes.
 */
const sides = { before: ['stored', 'incoming'], onConflict: ['users', 'excluded'] } as const;

type Side = keyof typeof sides;

/**
 * Whether a snapshot is to be written. A tombstone yields only to an API answer observed well after the deletion.
 */
export function snapshotApplies(side: Side): Prisma.Sql {
  const [stored, incoming] = sides[side];
  return Prisma.raw(`CASE
    WHEN ${stored}.deleted_at IS NOT NULL
    THEN ${incoming}.observed_via = 'api' AND ${incoming}.observed_at > ${stored}.deleted_at + interval '${RESTORE_AFTER_MS} milliseconds'
    ELSE (${incoming}.clerk_updated_at, ${incoming}.observed_at) > (${stored}.clerk_updated_at, ${stored}.observed_at)
     AND (${incoming}.clerk_updated_at, ${incoming}.content_hash, ${incoming}.locked, ${incoming}.last_sign_in_at)
         IS DISTINCT FROM (${stored}.clerk_updated_at, ${stored}.content_hash, ${stored}.locked, ${stored}.last_sign_in_at)
  END`);
}

/**
 * Whether a deletion is to be written. Clerk's event outranks every state up to its own time; an absence that we
 * found ourselves must have been observed after the row was. Neither undoes a later restoration.
 */
export function deletionApplies(side: Side): Prisma.Sql {
  const [stored, incoming] = sides[side];
  return Prisma.raw(`${stored}.deleted_at IS NULL
    AND ${incoming}.deleted_at > coalesce(${stored}.restored_at, '-infinity')
    AND ${incoming}.deleted_at >= CASE ${incoming}.observed_via WHEN 'api' THEN ${stored}.observed_at ELSE ${stored}.clerk_updated_at END`);
}
