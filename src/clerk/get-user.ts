import { failure } from '../failures.js';
import type { JsonObject } from '../user-change.js';
import type { ClerkApi } from './clerk-api.js';

/**
 * Asks Clerk for one user.
 *
 * @returns the user, or null when Clerk itself says that there is none; a proxy's 404 is not its word.
 * @throws what {@link ClerkApi.get} throws.
 */
export async function getUser(
  api: ClerkApi,
  clerkUserId: string,
  signal?: AbortSignal,
): Promise<{ user: JsonObject | null; observedAtMs: number }> {
  const { status, body, observedAtMs } = await api.get(
    `/users/${encodeURIComponent(clerkUserId)}`,
    undefined,
    signal,
  );
  if (status === 404) return { user: null, observedAtMs };
  if (
    status !== 200 ||
    typeof body !== 'object' ||
    body === null ||
    !('id' in body) ||
    body.id !== clerkUserId
  ) {
    throw failure('CLERK_ANSWER_UNUSABLE', `GET /users/${clerkUserId}: status ${status}, not that user.`);
  }
  return { user: body as JsonObject, observedAtMs };
}
