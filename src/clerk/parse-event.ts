import { z } from 'zod';
import type { JsonObject, UserChange } from '../user-change.js';
import { clerkTimeMs, eventTimeMs, problemWithTime } from './clerk-time.js';
import { isClerkUserId } from './is-clerk-user-id.js';

/** The event types that say something about a user. Others are acknowledged and ignored. */
export const SYNCED_EVENT_TYPES = [
  'user.created',
  'user.updated',
  'user.deleted',
  'session.created',
] as const;

/** What a signed payload turned out to be. */
export type ParsedEvent =
  /** `lacks`: why Clerk is asked, although the event should have carried the whole user. */
  | { kind: 'change'; change: UserChange; eventType: string; lacks?: string }
  | { kind: 'ignored'; eventType: string }
  | { kind: 'other-instance'; instanceId: string }
  | { kind: 'unusable'; problem: string };

const typeOf = z.looseObject({ type: z.string().min(1), instance_id: z.unknown().optional() });

type SyncedEventType = (typeof SYNCED_EVENT_TYPES)[number];
const isSynced = (type: string): type is SyncedEventType =>
  (SYNCED_EVENT_TYPES as readonly string[]).includes(type);

/** A delivery is signed when it is sent, after its event; more than this is no difference of two clocks. */
const MAX_AHEAD_OF_DELIVERY_MS = 60_000;

interface ParseOptions {
  svixId: string;
  /** When the delivery was signed, Unix milliseconds: the time of an event that names none. */
  signedAtMs: number;
  /** `refetch` keeps the user's data out of the change, so that none of it enters Temporal. */
  mode: 'payload' | 'refetch';
  keepPrivateMetadata: boolean;
  /** When set, events of any other instance are refused. */
  instanceId: string | undefined;
}

/**
 * Reads a verified webhook payload. Unknown keys are let through, for real payloads carry more than Clerk's schema says.
 * What lacks something that Clerk promises is not lost, for Svix would give up after a day: the signature proves the id,
 * and Clerk is asked for the rest. Only what has no usable id is `unusable`.
 *
 * @param payload the parsed body of a delivery whose signature held.
 * @see https://clerk.com/docs/guides/development/webhooks/overview
 */
export function parseEvent(payload: unknown, options: ParseOptions): ParsedEvent {
  const named = typeOf.safeParse(payload);
  if (!named.success) return unusable(named.error);
  const { type: eventType, instance_id: instanceId, timestamp } = named.data;
  if (
    options.instanceId !== undefined &&
    typeof instanceId === 'string' &&
    instanceId !== options.instanceId
  ) {
    return { kind: 'other-instance', instanceId };
  }
  // Types we do not sync are acknowledged whatever else they hold, or Svix would try them again for a day.
  if (!isSynced(eventType)) return { kind: 'ignored', eventType };
  if (options.instanceId !== undefined && typeof instanceId !== 'string')
    return { kind: 'other-instance', instanceId: '(none)' };

  const about = eventType === 'session.created' ? ofSession(named.data.data) : ofUser(named.data.data);
  if (about === null) {
    const where = eventType === 'session.created' ? 'data.user_id' : 'data.id';
    return { kind: 'unusable', problem: `${where}: is no Clerk user ID` };
  }
  const { clerkUserId, user } = about;
  const observedAtMs = observedAt(timestamp, options.signedAtMs);
  const origin = {
    clerkUserId,
    writer: 'webhook',
    observedAtMs,
    instanceId: typeof instanceId === 'string' ? instanceId : null,
    svixId: options.svixId,
  } as const;
  if (eventType === 'user.deleted')
    return { kind: 'change', eventType, change: { ...origin, kind: 'deletion' } };
  const refetch = { kind: 'change', eventType, change: { ...origin, kind: 'refetch' } } as const;
  if (user === null || options.mode === 'refetch') return refetch;
  const lacks = problemWithUser(user, clerkUserId, options.signedAtMs);
  if (lacks !== null) return { ...refetch, lacks };
  const change = {
    ...origin,
    kind: 'snapshot',
    clerkUpdatedAtMs: user.updated_at as number,
    user: withoutPrivateMetadata(user, options.keepPrivateMetadata),
  } as const;
  return { kind: 'change', eventType, change };
}

/** Whom an event is about. `user` is null where it does not carry one. */
type About = { clerkUserId: string; user: JsonObject | null } | null;

function ofUser(data: unknown): About {
  const user = objectOf(data);
  return user !== null && isClerkUserId(user.id) ? { clerkUserId: user.id, user } : null;
}

function ofSession(data: unknown): About {
  const session = objectOf(data);
  const user = objectOf(session?.user);
  const clerkUserId = [session?.user_id, user?.id].find(isClerkUserId);
  return clerkUserId === undefined ? null : { clerkUserId, user };
}

/** @returns why this is not the whole user at a version; null when it is. Names fields, and shows no value. */
function problemWithUser(user: JsonObject, clerkUserId: string, signedAtMs: number): string | null {
  const updatedAtMs = clerkTimeMs(user.updated_at);
  const problems = [
    ...(user.id === clerkUserId ? [] : ['id: is not that of the event']),
    ...(['created_at', 'updated_at'] as const).flatMap((field) => {
      const problem = problemWithTime(user[field]);
      return problem === null ? [] : [`${field}: ${problem}`];
    }),
    // Written, it would make every later change of this user stale until that time has come.
    ...(updatedAtMs === null || updatedAtMs <= signedAtMs + MAX_AHEAD_OF_DELIVERY_MS
      ? []
      : ['updated_at: is later than the delivery']),
    // Written as a whole user, one without it would lose their address.
    ...(Array.isArray(user.email_addresses) ? [] : ['email_addresses: is no list']),
  ];
  return problems.length === 0 ? null : problems.join('; ');
}

/** The event's own time, where it has one that can be true. */
function observedAt(timestamp: unknown, signedAtMs: number): number {
  const ms = eventTimeMs(timestamp);
  return ms !== null && ms <= signedAtMs + MAX_AHEAD_OF_DELIVERY_MS ? ms : signedAtMs;
}

/** Names paths and expectations only: a value may be somebody's data. */
function unusable(error: z.ZodError): ParsedEvent {
  const problem = error.issues
    .map((issue) => `${issue.path.join('.') || 'the body'}: ${issue.message}`)
    .join('; ');
  return { kind: 'unusable', problem };
}

/** It was parsed out of JSON. */
const objectOf = (value: unknown): JsonObject | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null;

function withoutPrivateMetadata(original: JsonObject, keep: boolean): JsonObject {
  if (keep || !('private_metadata' in original)) return original;
  const { private_metadata: _, ...rest } = original;
  return rest;
}
