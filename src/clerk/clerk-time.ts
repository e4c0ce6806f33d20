const SECONDS_BELOW = 1e12;
/** The end of the year 9999, past which neither ISO strings nor Postgres' JSON casts agree. */
const LATEST_MS = 253_402_300_799_999;

/**
 * @param value a time of Clerk's. It writes milliseconds; some of its examples show seconds, so both are read.
 * @returns Unix milliseconds, or null when the value is no time.
 */
export function clerkTimeMs(value: unknown): number | null {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) return null;
  const ms = value < SECONDS_BELOW ? value * 1000 : value;
  return ms <= LATEST_MS ? ms : null;
}
