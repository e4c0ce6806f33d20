import { z } from 'zod';
import type { JsonObject, UserChange } from '../user-change.js';
import { clerkTimeMs, eventTimeMs } from './clerk-time.js';

/** The event types that say something about a user. Others are acknowledged and ignored. */
export const SYNCED_EVENT_TYPES = [
  'user.created',
  'user.updated',
  'user.deleted',
  'session.created',
] as const;

/** What a signed payload turned out to be. */
export type ParsedEvent =
  | { kind: 'change'; change: UserChange; eventType: string }
  | { kind: 'ignored'; eventType: string }
  | { kind: 'other-instance'; instanceId: string }
  | { kind: 'unusable'; problem: string };

const timeBy = (read: (value: unknown) => number | null) =>
  z.unknown().transform((value, context) => {
    const ms = read(value);
    if (ms !== null) return ms;
    context.addIssue({ code: 'custom', message: 'is no Unix time' });
    return z.NEVER;
  });
const time = timeBy(clerkTimeMs);
const id = z.string().min(1).max(255);
const user = z.looseObject({ id, created_at: time, updated_at: time });
const typeOf = z.looseObject({ type: z.string().min(1), instance_id: z.unknown().optional() });
const envelope = z.looseObject({
  timestamp: timeBy(eventTimeMs),
  data: z.unknown().optional(),
});
const deleted = z.looseObject({ id });
const session = z.looseObject({ user_id: id, user: user.nullish() });

type SyncedEventType = (typeof SYNCED_EVENT_TYPES)[number];
const isSynced = (type: string): type is SyncedEventType =>
  (SYNCED_EVENT_TYPES as readonly string[]).includes(type);

interface ParseOptions {
  svixId: string;
  /** `refetch` keeps the user's data out of the change, so that none of it enters Temporal. */
  mode: 'payload' | 'refetch';
  keepPrivateMetadata: boolean;
  /** When set, events of any other instance are refused. */
  instanceId: string | undefined;
}

/**
 * Reads a verified webhook payload. Unknown keys are let through, for real payloads carry more than Clerk's schema says.
 *
 * @param payload the parsed body of a delivery whose signature held.
 * @see https://clerk.com/docs/guides/development/webhooks/overview
 */
export function parseEvent(payload: unknown, options: ParseOptions): ParsedEvent {
  const named = typeOf.safeParse(payload);
  if (!named.success) return unusable(named.error);
  const { type: eventType, instance_id: instanceId } = named.data;
  if (
    options.instanceId !== undefined &&
    typeof instanceId === 'string' &&
    instanceId !== options.instanceId
  ) {
    return { kind: 'other-instance', instanceId };
  }
  // Types we do not sync are acknowledged whatever else they hold, or Svix would try them again for a day.
  if (!isSynced(eventType)) return { kind: 'ignored', eventType };
  const event = envelope.safeParse(payload);
  if (!event.success) return unusable(event.error);
  const { timestamp: observedAtMs, data } = event.data;
  if (options.instanceId !== undefined && typeof instanceId !== 'string')
    return { kind: 'other-instance', instanceId: '(none)' };
  const origin = { writer: 'webhook', observedAtMs, svixId: options.svixId } as const;
  const change = (made: UserChange): ParsedEvent => ({ kind: 'change', change: made, eventType });
  const snapshot = (found: z.infer<typeof user>, original: unknown): ParsedEvent =>
    change(
      options.mode === 'refetch'
        ? { ...origin, kind: 'refetch', clerkUserId: found.id }
        : {
            ...origin,
            kind: 'snapshot',
            clerkUserId: found.id,
            clerkUpdatedAtMs: found.updated_at,
            user: withoutPrivateMetadata(original as JsonObject, options.keepPrivateMetadata),
          },
    );

  switch (eventType) {
    case 'user.created':
    case 'user.updated': {
      const found = user.safeParse(data);
      return found.success ? snapshot(found.data, data) : unusable(found.error);
    }
    case 'user.deleted': {
      const found = deleted.safeParse(data);
      return found.success
        ? change({ ...origin, kind: 'deletion', clerkUserId: found.data.id })
        : unusable(found.error);
    }
    case 'session.created': {
      const found = session.safeParse(data);
      if (!found.success) return unusable(found.error);
      if (found.data.user) return snapshot(found.data.user, (data as JsonObject).user);
      return change({ ...origin, kind: 'refetch', clerkUserId: found.data.user_id });
    }
  }
}

/** Names paths and expectations only: a value may be somebody's data. */
function unusable(error: z.ZodError): ParsedEvent {
  const problem = error.issues
    .map((issue) => `${issue.path.join('.') || 'the body'}: ${issue.message}`)
    .join('; ');
  return { kind: 'unusable', problem };
}

function withoutPrivateMetadata(original: JsonObject, keep: boolean): JsonObject {
  if (keep || !('private_metadata' in original)) return original;
  const { private_metadata: _, ...rest } = original;
  return rest;
}
