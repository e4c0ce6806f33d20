/** The end of the year 9999, past which neither ISO strings nor Postgres' JSON casts agree. */
const LATEST_MS = 253_402_300_799_999;
/** The start of the year 2000: no event, no user and no sign-in of Clerk's is older. */
const YEAR_2000_MS = 946_684_800_000;

/**
 * @param value a time in Clerk's data, always milliseconds.
 * @returns Unix milliseconds, or null when the value is no time, or one in seconds. Taken for milliseconds, that would
 *   be a day of January 1970, older than every version, and the user would stay as they are.
 */
export const clerkTimeMs = (value: unknown): number | null =>
  isTime(value) && !isInSeconds(value) ? value : null;

/**
 * @param value an event's `timestamp`: milliseconds, though Clerk's own examples show seconds. No event is older than
 *   Clerk, so the two cannot be confused.
 * @returns Unix milliseconds, or null when the value is no time since 2000.
 */
export function eventTimeMs(value: unknown): number | null {
  if (!isTime(value)) return null;
  const ms = isInSeconds(value) ? value * 1000 : value;
  return ms >= YEAR_2000_MS && ms <= LATEST_MS ? ms : null;
}

/** @returns what is wrong with a value that {@link clerkTimeMs} does not take, without the value; null for one it takes. */
export function problemWithTime(value: unknown): string | null {
  if (clerkTimeMs(value) !== null) return null;
  if (value === undefined || value === null) return 'is missing';
  return isTime(value) ? 'is in seconds, not milliseconds' : 'is no Unix time in milliseconds';
}

const isTime = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= LATEST_MS;

/** As seconds it is a time since 2000, as milliseconds one before. */
const isInSeconds = (value: number): boolean => value >= YEAR_2000_MS / 1000 && value < YEAR_2000_MS;
