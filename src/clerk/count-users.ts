import { failure } from '../failures.js';
import type { ClerkApi } from './clerk-api.js';

/**
 * @returns how many users Clerk has now.
 * @throws what {@link ClerkApi.get} throws.
 */
export async function countUsers(api: ClerkApi, signal?: AbortSignal): Promise<number> {
  const { status, body } = await api.get('/users/count', undefined, signal);
  if (status === 200 && typeof body === 'object' && body !== null && 'total_count' in body) {
    if (Number.isSafeInteger(body.total_count)) return body.total_count as number;
  }
  throw failure('CLERK_ANSWER_UNUSABLE', `GET /users/count: status ${status}, no total_count.`);
}
