import { failure } from '../failures.js';
import type { ClerkApi } from './clerk-api.js';

/**
 * @param createdBeforeMs counts only users created before; Unix milliseconds.
 * @returns how many users Clerk has now.
 * @throws what {@link ClerkApi.get} throws.
 */
export async function countUsers(
  api: ClerkApi,
  signal?: AbortSignal,
  createdBeforeMs?: number,
): Promise<number> {
  const query = new URLSearchParams(
    createdBeforeMs === undefined ? {} : { created_at_before: `${createdBeforeMs}` },
  );
  const { status, body } = await api.get('/users/count', query, signal);
  if (status === 200 && typeof body === 'object' && body !== null && 'total_count' in body) {
    if (Number.isSafeInteger(body.total_count)) return body.total_count as number;
  }
  throw failure('CLERK_ANSWER_UNUSABLE', `GET /users/count: status ${status}, no total_count.`);
}
