import { failure } from '../failures.js';
import type { ClerkApi } from './clerk-api.js';

/**
 * @returns the id of the Clerk instance that the secret key belongs to, `ins_…`.
 * @throws what {@link ClerkApi.get} throws, and CLERK_ANSWER_UNUSABLE when the answer names no instance.
 * @see https://clerk.com/docs/reference/backend/instance/get
 */
export async function getInstanceId(api: ClerkApi, signal?: AbortSignal): Promise<string> {
  const { status, body } = await api.get('/instance', undefined, signal);
  if (status === 200 && typeof body === 'object' && body !== null && 'id' in body) {
    if (typeof body.id === 'string' && body.id !== '') return body.id;
  }
  throw failure('CLERK_ANSWER_UNUSABLE', `GET /instance: status ${status}, no id.`);
}
