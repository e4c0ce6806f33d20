import { cancellationSignal } from '@temporalio/activity';
import { askForUsers } from '../clerk/ask-for-users.js';
import type { ActivityDependencies } from './dependencies.js';

/**
 * Asks Clerk by id, in one request, about rows that a plan did not find listed; writes nothing.
 *
 * @param asked ids of at most 98 users, and one or two witnesses.
 * @returns the ids of those who are gone, and null when the answer shows no witness.
 */
export async function askForPlanned(
  deps: ActivityDependencies,
  asked: { ids: string[]; witnessIds: string[] },
): Promise<string[] | null> {
  const answer = await askForUsers(deps.clerk, asked.ids, asked.witnessIds, cancellationSignal());
  return answer?.gone ?? null;
}
