/** Longer than any documented window of Clerk's; a wrong header must not park the service for a day. */
const LONGEST_MS = 5 * 60_000;

/**
 * @param header a Retry-After: seconds, or an HTTP date.
 * @returns milliseconds to wait, at most 5 minutes; undefined when the header is missing, past or
 *   no such thing; the retry policy then decides.
 */
export function retryAfterMs(header: string | null, nowMs: number): number | undefined {
  const text = header?.trim() ?? '';
  const isSeconds = /^\d+(\.\d+)?$/.test(text);
  // Date.parse reads a date into almost anything, so only HTTP's own form is given to it.
  if (!isSeconds && !text.endsWith(' GMT')) return undefined;
  const delayMs = isSeconds ? Number(text) * 1000 : Date.parse(text) - nowMs;
  // To Temporal a delay of 0 means at once.
  return delayMs > 0 ? Math.min(delayMs, LONGEST_MS) : undefined;
}
