import { failure } from '../failures.js';
import { inTime } from './in-time.js';

/**
 * One read for all who ask at the same time, so that they agree, and so that askers never use up the connections of a
 * server that hangs.
 *
 * @returns a function that reads; it rejects as `read` does, or with POSTGRES_UNAVAILABLE when that takes longer. A read
 *   that is late is waited for by the next one who asks.
 */
export function shareRead<T>(read: () => Promise<T>, timeoutMs: number): () => Promise<T> {
  let reading: Promise<T> | undefined;
  return () => {
    reading ??= read().finally(() => {
      reading = undefined;
    });
    return inTime(reading, timeoutMs, () =>
      failure('POSTGRES_UNAVAILABLE', `No answer within ${timeoutMs} ms.`),
    );
  };
}
