import { cancellationSignal } from '@temporalio/activity';
import { getInstanceId } from '../clerk/get-instance-id.js';
import { adoptInstance, readInstance } from '../db/adopt-instance.js';
import { failure } from '../failures.js';
import type { ActivityDependencies } from './dependencies.js';

/** A process has one key and one table, so what was found right once stays right. */
const found = new WeakMap<ActivityDependencies, string>();

/**
 * Sees to it that the key belongs to the Clerk instance whose users the table holds; an empty service adopts the key's.
 * Another instance's users would be written beside ours, and ours taken for deleted.
 *
 * @param plan whether nothing is to be written: then an empty service stays nobody's.
 * @returns the key's instance.
 * @throws INSTANCE_CHANGED, and what the Clerk and Postgres rooms throw, all retried.
 */
export async function requireInstance(deps: ActivityDependencies, { plan = false } = {}): Promise<string> {
  const known = found.get(deps);
  if (known !== undefined) return known;
  const instanceId = await getInstanceId(deps.clerk, cancellationSignal());
  const adopted = plan ? await readInstance(deps.db) : await adoptInstance(deps.db, instanceId);
  if (adopted === null) return instanceId;
  if (adopted !== instanceId)
    throw failure('INSTANCE_CHANGED', `The key is of ${instanceId}, the table of ${adopted}.`);
  found.set(deps, instanceId);
  return instanceId;
}

/** @returns the instance that {@link requireInstance} found, or null before. Asks nobody. */
export const knownInstance = (deps: ActivityDependencies): string | null => found.get(deps) ?? null;
