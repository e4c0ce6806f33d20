import { log } from '@temporalio/activity';
import { type AskedUsers, askForUsers } from '../clerk/ask-for-users.js';
import type { ClerkApi } from '../clerk/clerk-api.js';
import { getUser } from '../clerk/get-user.js';
import { type FailureCode, failureCode } from '../failures.js';

/** What the ids of a question may have brought about. */
const MAY_BE_THE_IDS: readonly (FailureCode | undefined)[] = [
  'CLERK_REQUEST_REFUSED',
  'CLERK_ANSWER_UNUSABLE',
  'CLERK_UNAVAILABLE',
];

export interface Answer extends AskedUsers {
  /** Whether it came by the user's own address, as Clerk fails over the id in a list. */
  alone: boolean;
}

export interface AskingInParts {
  /**
   * @param ids at most ASKED_AT_ONCE.
   * @returns the answer; `unwitnessed` when it lacks a witness, and so says nothing; `too-many` when Clerk fails over these
   *   ids, but not over the witnesses alone: then some of them are to be asked about by themselves; `unanswered` when it
   *   fails over a single one, asked for by its own address as well.
   * @throws what `askForUsers` throws when Clerk fails over the witnesses alone too, or the failure has nothing to do with ids.
   */
  ask(ids: readonly string[]): Promise<Answer | 'unwitnessed' | 'too-many' | 'unanswered'>;
  requests(): number;
}

/** Asks Clerk by id, and finds out whether a failure is about all questions, or about those ids. */
export function askInParts(
  clerk: ClerkApi,
  witnessIds: readonly string[],
  signal: AbortSignal,
): AskingInParts {
  let requests = 0;
  const question = async (ids: readonly string[]): Promise<Answer | 'unwitnessed'> => {
    requests += 1;
    const answer = await askForUsers(clerk, ids, witnessIds, signal);
    return answer === null ? 'unwitnessed' : { ...answer, alone: false };
  };
  return {
    requests: () => requests,
    async ask(ids) {
      try {
        return await question(ids);
      } catch (error) {
        if (!MAY_BE_THE_IDS.includes(failureCode(error))) throw error;
        if ((await question([])) === 'unwitnessed') return 'unwitnessed';
      }
      const [id] = ids;
      if (ids.length > 1 || id === undefined) return 'too-many';
      requests += 1;
      return askAlone(clerk, id, signal);
    },
  };
}

/** Clerk's own 404 is as good an answer as a list without the user. */
async function askAlone(
  clerk: ClerkApi,
  clerkUserId: string,
  signal: AbortSignal,
): Promise<Answer | 'unanswered'> {
  try {
    const { user, observedAtMs } = await getUser(clerk, clerkUserId, signal);
    const [gone, alive] = user === null ? [[clerkUserId], []] : [[], [clerkUserId]];
    return { gone, alive, observedAtMs, alone: true };
  } catch (error) {
    const code = failureCode(error);
    if (!MAY_BE_THE_IDS.includes(code)) throw error;
    log.warn('Clerk cannot be asked about a user', { clerkUserId, code });
    return 'unanswered';
  }
}
