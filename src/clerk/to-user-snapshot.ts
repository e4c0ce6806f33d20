import { failure } from '../failures.js';
import type { JsonObject, JsonValue, ObservedVia, UserColumns, UserSnapshot } from '../user-change.js';
import type { UserMapping } from '../user-mapping.js';
import { clerkTimeMs, problemWithTime } from './clerk-time.js';
import { contentHash } from './content-hash.js';
import { isClerkUserId } from './is-clerk-user-id.js';

export interface Observation {
  /** Unix milliseconds: the event's `timestamp`, or the start of the request. */
  observedAtMs: number;
  observedVia: ObservedVia;
  /** Whether `private_metadata` is stored; off unless the setting STORE_PRIVATE_METADATA says so. */
  keepPrivateMetadata: boolean;
  /** What fills columns of the application's; the same for everybody who writes. */
  mapping?: UserMapping | undefined;
}

/**
 * Turns Clerk's words into ours: the one place where a column is read out of Clerk's user, for every writer.
 *
 * @param user Clerk's User, as a webhook's `data` or an item of the Backend API; unknown keys are kept.
 * @throws USER_UNUSABLE (not retried) when the id, `created_at` or `updated_at` is missing or no id or time, or when
 *   something in it is nested some thousand deep;
 *   MAPPING_FAILED (not retried) when the mapping makes no value of it.
 */
export function toUserSnapshot(user: JsonObject, observation: Observation): UserSnapshot {
  const { id } = user;
  const clerkCreatedAtMs = clerkTimeMs(user.created_at);
  const clerkUpdatedAtMs = clerkTimeMs(user.updated_at);
  if (!isClerkUserId(id) || clerkCreatedAtMs === null || clerkUpdatedAtMs === null)
    throw failure('USER_UNUSABLE', problemWith(user));
  const raw = toRaw(user, observation.keepPrivateMetadata);
  const columns = toColumns(user);
  // Of `raw`, for a webhook has lost its private metadata on the way where they are not stored.
  const mapped = observation.mapping?.valuesOf(raw);
  return {
    clerkUserId: id,
    clerkCreatedAtMs,
    clerkUpdatedAtMs,
    observedAtMs: observation.observedAtMs,
    observedVia: observation.observedVia,
    columns,
    locked: user.locked === true,
    lastSignInAtMs: clerkTimeMs(user.last_sign_in_at),
    raw,
    ...(mapped && { mapped }),
    contentHash: hashOf(columns, raw, mapped),
  };
}

/** Names fields only: a value may be somebody's data. */
function problemWith({ id, created_at, updated_at }: JsonObject): string {
  const problems = {
    id: isClerkUserId(id) ? null : 'is no Clerk user ID',
    created_at: problemWithTime(created_at),
    updated_at: problemWithTime(updated_at),
  };
  const found = Object.entries(problems).filter(([, problem]) => problem !== null);
  return `${found.map(([field, problem]) => `${field}: ${problem}`).join('; ')}.`;
}

/** Browsers may write what they like into metadata, and one user is not to keep a page of others. */
function hashOf(...content: Parameters<typeof contentHash>): string {
  try {
    return contentHash(...content);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw failure('USER_UNUSABLE', 'The stack does not suffice for it.');
  }
}

function toColumns(user: JsonObject): UserColumns {
  const email = primary(user.email_addresses, user.primary_email_address_id);
  const phone = primary(user.phone_numbers, user.primary_phone_number_id);
  const firstName = text(user.first_name);
  const lastName = text(user.last_name);
  return {
    email: text(email?.email_address),
    emailVerified: asObject(email?.verification)?.status === 'verified',
    phone: text(phone?.phone_number),
    username: text(user.username),
    firstName,
    lastName,
    name: [firstName, lastName].filter((part) => part !== null && part !== '').join(' ') || null,
    avatarUrl: text(user.image_url),
    externalId: text(user.external_id),
    banned: user.banned === true,
    deprovisioned: user.deprovisioned === true,
    publicMetadata: asObject(user.public_metadata) ?? {},
  };
}

/** The entry that Clerk names as primary; never just the first, which may be somebody's secondary address. */
function primary(entries: JsonValue | undefined, primaryId: JsonValue | undefined): JsonObject | undefined {
  if (!Array.isArray(entries) || typeof primaryId !== 'string') return undefined;
  return entries.map(asObject).find((entry) => entry?.id === primaryId);
}

function toRaw(user: JsonObject, keepPrivateMetadata: boolean): JsonObject {
  const { private_metadata: _, ...others } = user;
  const raw = keepPrivateMetadata ? { ...user } : others;
  for (const key in raw) {
    const value = raw[key];
    if (Array.isArray(value) && value.length > 1) raw[key] = inOrderOfIds(value);
  }
  return raw;
}

function inOrderOfIds(entries: JsonValue[]): JsonValue[] {
  const idOf = (entry: JsonValue) => text(asObject(entry)?.id) ?? '';
  return [...entries].sort((a, b) => (idOf(a) < idOf(b) ? -1 : idOf(a) > idOf(b) ? 1 : 0));
}

const text = (value: JsonValue | undefined): string | null => (typeof value === 'string' ? value : null);

const asObject = (value: JsonValue | undefined): JsonObject | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
