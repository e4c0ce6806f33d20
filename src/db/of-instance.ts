import { failure, failureCode } from '../failures.js';
import type { ObservedVia, Writer } from '../user-change.js';
import { adoptInstance } from './adopt-instance.js';
import type { Database } from './database.js';
import { Prisma } from './generated/client.js';

/** Whose users are written, and how that is known. */
export interface InstanceOfUsers {
  /** The Clerk instance, `ins_…`; null where nobody said, and nothing is compared. */
  instanceId: string | null;
  observedVia: ObservedVia;
  writer: Writer;
}

/** The condition for a statement's users: the table is their instance's. In the statement, so that it costs no round trip. */
export const ofTablesInstance = (instanceId: string | null): Prisma.Sql =>
  instanceId === null
    ? Prisma.sql`true`
    : Prisma.sql`EXISTS (SELECT FROM synced_instance WHERE instance_id = ${instanceId})`;

/**
 * Runs a statement whose users are under the condition {@link ofTablesInstance}, and which returns a row for each of
 * them. A table that is no instance's yet becomes theirs.
 *
 * @throws when the table is another instance's, and nothing was written: INSTANCE_MISMATCH (not retried) for an event,
 *   INSTANCE_CHANGED (retried) for what our own key showed. What `write` throws.
 */
export async function writeToOwnInstance<Row>(
  db: Database,
  { instanceId, observedVia, writer }: InstanceOfUsers,
  write: () => Promise<Row[]>,
): Promise<Row[]> {
  const written = await write();
  if (written.length > 0 || instanceId === null) return written;
  const adopted = await adoptInstance(db, instanceId);
  if (adopted === instanceId) return write();
  if (observedVia === 'webhook' && writer === 'webhook')
    throw failure('INSTANCE_MISMATCH', `The event is of ${instanceId}, the table of ${adopted}.`);
  throw failure('INSTANCE_CHANGED', `The key is of ${instanceId}, the table of ${adopted}.`);
}

/** It has its code already, unlike what Postgres throws. */
export const isInstanceFailure = (error: unknown): boolean =>
  ['INSTANCE_MISMATCH', 'INSTANCE_CHANGED'].includes(failureCode(error) ?? '');
