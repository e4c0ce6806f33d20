import { setTimeout } from 'node:timers/promises';
import type { getClient } from '@temporalio/activity';
import proto from '@temporalio/proto';
import { SYNC_STATUS_ATTRIBUTE } from '../names.js';

type Client = ReturnType<typeof getClient>;

const KEYWORD = proto.temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD;
const DEADLINE_MS = 2_000;
const ASK_AGAIN_AFTER_MS = 5_000;

/**
 * @returns a function that tells whether the namespace has the search attribute SyncStatus. A yes is final. After a no, no
 *   answer within 2 s, or an error such as from a server that forbids the question, it is false, and asked again 5 s later
 *   at the earliest: the attribute only helps to search, so it never fails an activity.
 */
export function createSearchAttributeCheck(): (client: Client) => Promise<boolean> {
  let known: { answer: boolean; untilMs: number } | undefined;
  let asking: Promise<boolean> | undefined;

  const ask = async (client: Client): Promise<boolean> => {
    const answer = await isRegistered(client).catch(() => false);
    known = { answer, untilMs: answer ? Number.POSITIVE_INFINITY : Date.now() + ASK_AGAIN_AFTER_MS };
    asking = undefined;
    return answer;
  };

  return async (client) => {
    if (known !== undefined && Date.now() < known.untilMs) return known.answer;
    asking ??= ask(client);
    return asking;
  };
}

async function isRegistered({ connection, options: { namespace } }: Client): Promise<boolean> {
  const answered = new AbortController();
  // The SDK's client has no deadline of its own over a worker's connection.
  const late = setTimeout(DEADLINE_MS, null, { signal: answered.signal, ref: false }).catch(() => null);
  try {
    const answer = await Promise.race([connection.operatorService.listSearchAttributes({ namespace }), late]);
    return answer?.customAttributes?.[SYNC_STATUS_ATTRIBUTE] === KEYWORD;
  } finally {
    answered.abort();
  }
}
