import type { JsonObject } from '../user-change.js';

/** A user as Clerk's API and its webhooks render it; `UserJSON` of Clerk's SDK is one. */
export interface ClerkUserJson {
  readonly object: 'user';
  readonly id: string;
}

/** `User` of Clerk's SDK, which keeps the JSON that it was made from. */
export interface ClerkSdkUser {
  readonly id: string;
  readonly raw: object | null;
}

/**
 * @returns Clerk's own JSON of a user that was handed in; the SDK's `User` leaves out what it does not know.
 * @throws TypeError, with the way out, for an object that has none.
 */
export function userJsonOf(user: ClerkUserJson | ClerkSdkUser | JsonObject): JsonObject {
  if ('raw' in user && typeof user.raw === 'object' && user.raw !== null) return user.raw as JsonObject;
  // Only Clerk's JSON has snake_case times; a copy of the SDK's `User`, made by JSON or by a spread, has camelCase ones.
  if ('object' in user && user.object === 'user' && !('updatedAt' in user)) return user as JsonObject;
  throw new TypeError(
    "This is neither Clerk's JSON of a user (object: 'user') nor the SDK's User with its `raw` JSON. Hand in the user's id instead, and Clerk is asked.",
  );
}
