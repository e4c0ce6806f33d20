import type { Client } from '@temporalio/client';
import { SYNC_STATUS_ATTRIBUTE } from '../names.js';

/**
 * @returns a function that tells whether the namespace has the search attribute SyncStatus. Asked once; after an error,
 *   such as a server that forbids the question, the answer is no, and it is asked again a minute later.
 */
export function createSearchAttributeCheck(client: Client, namespace: string): () => Promise<boolean> {
  const askAgainAfterMs = 60_000;
  let known: { answer: boolean; untilMs: number } | undefined;
  let asking: Promise<boolean> | undefined;

  const ask = async (): Promise<boolean> => {
    try {
      const { customAttributes } = await client.connection.operatorService.listSearchAttributes({
        namespace,
      });
      known = {
        answer: SYNC_STATUS_ATTRIBUTE in (customAttributes ?? {}),
        untilMs: Number.POSITIVE_INFINITY,
      };
    } catch {
      // The attribute only helps to search: doing without it must not keep a change waiting.
      known = { answer: false, untilMs: Date.now() + askAgainAfterMs };
    } finally {
      asking = undefined;
    }
    return known.answer;
  };

  return async () => {
    if (known !== undefined && Date.now() < known.untilMs) return known.answer;
    asking ??= ask();
    return asking;
  };
}
