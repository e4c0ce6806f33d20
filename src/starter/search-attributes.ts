import type { Client } from '@temporalio/client';
import proto from '@temporalio/proto';
import { SYNC_STATUS_ATTRIBUTE } from '../names.js';

const KEYWORD = proto.temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD;

/**
 * @returns a function that tells whether the namespace has the search attribute SyncStatus. A yes is final. After a no, or an
 *   error such as from a server that forbids the question, it is asked again a minute later.
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
      const answer = customAttributes?.[SYNC_STATUS_ATTRIBUTE] === KEYWORD;
      known = { answer, untilMs: answer ? Number.POSITIVE_INFINITY : Date.now() + askAgainAfterMs };
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
