/** The end of the year 9999, past which neither ISO strings nor Postgres' JSON casts agree. */
const LATEST_MS = 253_402_300_799_999;
const FIRST_MS_OF_EVENTS = 1e12;

/**
 * @param value a time in Clerk's data, always milliseconds.
 * @returns Unix milliseconds, or null when the value is no time.
 */
export function clerkTimeMs(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= LATEST_MS
    ? value
    : null;
}

/**
 * @param value an event's `timestamp`: milliseconds, though Clerk's own examples show seconds. No event is older than
 *   Clerk, so the two cannot be confused.
 * @returns Unix milliseconds, or null when the value is no time.
 */
export function eventTimeMs(value: unknown): number | null {
  const ms = clerkTimeMs(value);
  return ms !== null && ms < FIRST_MS_OF_EVENTS ? clerkTimeMs(ms * 1000) : ms;
}
