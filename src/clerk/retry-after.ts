/** Longer than any documented window of Clerk's; a wrong header must not park the service for a day. */
const LONGEST_MS = 5 * 60_000;

/**
 * @param header a Retry-After: seconds, or an HTTP date.
 * @returns milliseconds to wait, at most 5 minutes; undefined when there is no usable header.
 */
export function retryAfterMs(header: string | null, nowMs: number): number | undefined {
  if (header === null || header.trim() === '') return undefined;
  const seconds = Number(header);
  const delayMs = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - nowMs;
  return Number.isNaN(delayMs) ? undefined : Math.min(Math.max(delayMs, 0), LONGEST_MS);
}
