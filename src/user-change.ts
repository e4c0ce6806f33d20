/**
 * What this service passes between its rooms, and the rule by which one state of a user replaces another. Pure, and
 * importable by workflow code. The same rule stands in SQL in db/freshness-rule.ts; a test holds the two equal.
 */

/** How a snapshot was seen: sent to us, or asked for. Only an answer that was asked for can end a tombstone. */
export type ObservedVia = 'webhook' | 'api';

/** Who writes a row. */
export type Writer = 'webhook' | 'reconcile' | 'sign-in' | 'operator';

/** What a write did. Every one is a normal result, none an error. */
export type Outcome = 'created' | 'updated' | 'unchanged' | 'stale' | 'deleted' | 'restored' | 'ignored';

/** What a change of the log is to the application's hooks: see user-hooks.ts. */
export type UserHookKind = 'created' | 'updated' | 'deleted' | 'restored';

export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };

/** When a user had this state. Both parts are Unix milliseconds. */
export interface Version {
  /** Clerk's `updated_at`. */
  clerkUpdatedAtMs: number;
  /** An event's `timestamp`, or the start of the request whose answer showed the user. Breaks ties only. */
  observedAtMs: number;
}

interface ChangeOrigin {
  clerkUserId: string;
  writer: Writer;
  /** The event's `timestamp` in Unix milliseconds; for a deletion, its version. */
  observedAtMs: number;
  /** The Clerk instance that the event names, `ins_…`; null where nothing names one. */
  instanceId: string | null;
  /** The Svix message the change came in; null when no webhook brought it. */
  svixId: string | null;
}

/** A whole user as Clerk sent it. Carries personal data; see the setting SYNC_MODE. */
export type SnapshotChange = ChangeOrigin & { kind: 'snapshot'; clerkUpdatedAtMs: number; user: JsonObject };
/** Clerk said that the user is gone. */
export type DeletionChange = ChangeOrigin & { kind: 'deletion' };
/** Something happened to the user; what, Clerk is to be asked. Carries no personal data. */
export type RefetchChange = ChangeOrigin & { kind: 'refetch' };

/** What Clerk said of a user. Writing it needs Postgres only. */
export type FactChange = SnapshotChange | DeletionChange;

/** One thing that happened to one user: the message from the starter to the user's workflow. */
export type UserChange = FactChange | RefetchChange;

/**
 * How long after a deletion Clerk's API must have shown the user alive to end the tombstone. The two times come from
 * different clocks, and an answer that was on its way when the user was deleted, or a list that lags behind, must not
 * bring them back.
 */
export const RESTORE_AFTER_MS = 60_000;

/** @returns whether `a` is the later state: by Clerk's clock first, by when it was observed on a tie. */
export function isNewer(a: Version, b: Version): boolean {
  return a.clerkUpdatedAtMs === b.clerkUpdatedAtMs
    ? a.observedAtMs > b.observedAtMs
    : a.clerkUpdatedAtMs > b.clerkUpdatedAtMs;
}

/**
 * Folds two facts about one user into the one that remains to be applied, whatever order they came in: a deletion
 * outlasts every snapshot; of two snapshots the newer remains.
 */
export function foldFacts(a: FactChange, b: FactChange): FactChange {
  if (a.kind === 'deletion' || b.kind === 'deletion') {
    if (a.kind !== 'deletion') return b;
    if (b.kind !== 'deletion') return a;
    return b.observedAtMs > a.observedAtMs ? b : a;
  }
  return isNewer(b, a) ? b : a;
}

/**
 * Folds two refetches of one user, neither of which was begun: one answer of Clerk's serves both. A refetch is never
 * folded with a fact, for Clerk may not answer for hours, or not have the user.
 */
export const foldRefetches = (a: RefetchChange, b: RefetchChange): RefetchChange =>
  b.observedAtMs > a.observedAtMs ? b : a;

/** The columns that are read out of Clerk's user. */
export interface UserColumns {
  email: string | null;
  emailVerified: boolean;
  phone: string | null;
  username: string | null;
  firstName: string | null;
  lastName: string | null;
  name: string | null;
  avatarUrl: string | null;
  externalId: string | null;
  banned: boolean;
  deprovisioned: boolean;
  publicMetadata: JsonObject;
}

/** What a column that the application maps may hold, by its name in Postgres. */
export type MappedType = 'text' | 'integer' | 'bigint' | 'numeric' | 'boolean' | 'timestamptz' | 'jsonb';

/** A column of the application's that is filled from Clerk's user; see user-mapping.ts. */
export interface MappedColumn {
  name: string;
  type: MappedType;
}

/** What the application's mapping made of one user. */
export interface MappedValues {
  /** In the order of their names; one and the same list for all users of a mapping. */
  columns: readonly MappedColumn[];
  /** In the order of the columns, as Postgres reads them out of JSON: a time is ISO text, a bigint text. */
  values: readonly JsonValue[];
}

/** A whole user at a version, ready to be written. */
export interface UserSnapshot extends Version {
  clerkUserId: string;
  observedVia: ObservedVia;
  clerkCreatedAtMs: number;
  columns: UserColumns;
  /** Moves by itself, so it is stored but never counts as a change. */
  locked: boolean;
  lastSignInAtMs: number | null;
  /** Clerk's user as it was sent, arrays in the order of their ids. */
  raw: JsonObject;
  /** Only when the application maps columns of its own. */
  mapped?: MappedValues;
  /** Equal for two snapshots whose columns, mapped ones included, and known fields are equal, however each was rendered. */
  contentHash: string;
}
