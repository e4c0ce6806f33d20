/** What an application imports. Everything else of the package is its own business and may change at any time. */
export { type ClerkApi, type ClerkApiOptions, createClerkApi } from './clerk/clerk-api.js';
export { type ClerkSyncConfig, defineClerkSync } from './clerk-sync-config.js';
export { connectDatabase, type Database, type DatabaseOptions } from './db/database.js';
export type { UserRow } from './db/read-user.js';
export { FAILURES, type FailureCode, failureCode } from './failures.js';
export type { ClaimedUser } from './sign-in/claimed-user.js';
export { getSyncedUser } from './sign-in/get-synced-user.js';
export { type HandOverOptions, handOverToStarter } from './sign-in/hand-over-to-starter.js';
export { type SignInMiddleware, type SyncOnSignInOptions, syncOnSignIn } from './sign-in/sync-on-sign-in.js';
export {
  type SignInDependencies,
  type SyncedUser,
  syncUserWithDatabase,
} from './sign-in/sync-user-with-database.js';
export {
  createSessionVerifier,
  type SessionVerifierOptions,
  type VerifiedSession,
  type VerifySession,
} from './sign-in/verify-session.js';
export type { JsonObject, JsonValue, Outcome } from './user-change.js';
export {
  defineUserHooks,
  type UserHook,
  type UserHookContext,
  type UserHookEvent,
  type UserHookKind,
  type UserHooks,
} from './user-hooks.js';
export {
  type ColumnMapping,
  defineUserMapping,
  type MappableUser,
  type UserMapping,
} from './user-mapping.js';
