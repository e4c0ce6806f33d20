import { failure } from '../failures.js';
import type { JsonObject, UserColumns } from '../user-change.js';

/** What custom claims of a session token may say of its user. Left out, null or empty means not known. */
export type ClaimedUser = {
  [Column in keyof Omit<UserColumns, 'name' | 'banned' | 'deprovisioned'>]?: UserColumns[Column] | null;
};

/** What is known of the user by them, as columns. */
export type KnownClaims = Pick<UserColumns, keyof ClaimedUser>;

const TEXTS = ['email', 'phone', 'username', 'firstName', 'lastName', 'avatarUrl', 'externalId'] as const;

/**
 * Checks what an application's `readClaims` returned: a shortcode that Clerk has no value for, or a wrong one, would
 * else become an empty or a foreign column. An empty text is no value.
 *
 * @returns the columns; null when none of them is known.
 * @throws CLAIMS_UNUSABLE, with the names and types of what does not fit, and no value.
 */
export function claimedUser(claimed: unknown): KnownClaims | null {
  if (claimed === null || claimed === undefined) return null;
  if (!isObject(claimed) || 'then' in claimed)
    throw failure('CLAIMS_UNUSABLE', 'It must return an object or null, at once.');
  const problems: string[] = [];
  const read = <T>(name: string, fits: (value: unknown) => value is T, what: string): T | null => {
    const value = claimed[name];
    if (value === undefined || value === null || value === '') return null;
    if (fits(value)) return value;
    problems.push(`${name} is ${Array.isArray(value) ? 'a list' : `of type ${typeof value}`}, not ${what}`);
    return null;
  };
  const text = (name: (typeof TEXTS)[number]) => read(name, isText, 'text');
  const columns = {
    email: text('email'),
    emailVerified: read('emailVerified', isBoolean, 'true or false') ?? false,
    phone: text('phone'),
    username: text('username'),
    firstName: text('firstName'),
    lastName: text('lastName'),
    avatarUrl: text('avatarUrl'),
    externalId: text('externalId'),
    publicMetadata: read('publicMetadata', isObject, 'an object') ?? {},
  };
  if (problems.length > 0) throw failure('CLAIMS_UNUSABLE', `${problems.join('; ')}.`);
  const isKnown =
    TEXTS.some((name) => columns[name] !== null) || Object.keys(columns.publicMetadata).length > 0;
  return isKnown ? columns : null;
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isBoolean = (value: unknown): value is boolean => typeof value === 'boolean';
const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
