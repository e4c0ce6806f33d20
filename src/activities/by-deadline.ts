import { setTimeout } from 'node:timers/promises';
import { failure } from '../failures.js';

/** Longer, and an activity that has something else to do would be late. */
const DEADLINE_MS = 2_000;

/**
 * Waits for a call to Temporal. The SDK's client has no deadline of its own over a worker's connection.
 *
 * @param otherwise what was not done then, in a sentence without personal data.
 * @throws TEMPORAL_UNAVAILABLE (retried). The call may have gone through all the same.
 */
export async function byDeadline<Result>(call: Promise<Result>, otherwise: string): Promise<Result> {
  const done = new AbortController();
  const late = setTimeout(DEADLINE_MS, undefined, { signal: done.signal, ref: false }).then(() => {
    throw new Error(`No answer within ${DEADLINE_MS} ms.`);
  });
  try {
    return await Promise.race([call, late]);
  } catch (cause) {
    throw failure('TEMPORAL_UNAVAILABLE', otherwise, { cause });
  } finally {
    done.abort();
    late.catch(() => undefined);
  }
}
