import { type Observation, toUserSnapshot } from '../../src/clerk/to-user-snapshot.js';
import type { JsonValue, UserSnapshot } from '../../src/user-change.js';
import { clerkUser } from '../support/clerk-user.js';

/** Some time in 2025, from which the tests count their milliseconds. */
export const T0 = 1_750_000_000_000;

/** A whole user, ready to be written. @param observed by default a webhook's, 7 ms after Clerk's change. */
export function snapshotOf(
  clerkUserId: string,
  clerkUpdatedAtMs: number,
  fields: Record<string, JsonValue> = {},
  observed: Partial<Observation> = {},
): UserSnapshot {
  return toUserSnapshot(clerkUser(clerkUserId, clerkUpdatedAtMs, fields), {
    observedAtMs: clerkUpdatedAtMs + 7,
    observedVia: 'webhook',
    keepPrivateMetadata: false,
    ...observed,
  });
}

/** The same, as the Backend API's answer to a request that started then. */
export const answerOf = (
  clerkUserId: string,
  clerkUpdatedAtMs: number,
  observedAtMs: number,
  fields: Record<string, JsonValue> = {},
): UserSnapshot => snapshotOf(clerkUserId, clerkUpdatedAtMs, fields, { observedAtMs, observedVia: 'api' });
