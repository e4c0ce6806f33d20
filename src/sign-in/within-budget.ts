import type { ClerkApi } from '../clerk/clerk-api.js';
import { failure } from '../failures.js';

/**
 * Clerk's API with a limit of its own, so that sign-ins leave the instance's limit to others. What was not used within a
 * second is forgotten.
 *
 * @param requestsPerSecond of this process.
 * @returns an API that throws CLERK_RATE_LIMITED without asking Clerk when nothing is left.
 */
export function withinBudget(
  clerk: ClerkApi,
  requestsPerSecond: number,
  now: () => number = performance.now.bind(performance),
): ClerkApi {
  const most = Math.max(1, requestsPerSecond);
  let left = most;
  let countedAtMs = now();
  return {
    allowedPerSecond: clerk.allowedPerSecond,
    async get(path, query, signal) {
      const nowMs = now();
      left = Math.min(most, left + ((nowMs - countedAtMs) / 1000) * requestsPerSecond);
      countedAtMs = nowMs;
      if (left < 1) {
        const retryAfterMs = Math.ceil(((1 - left) / requestsPerSecond) * 1000);
        const detail = `GET ${path}: not sent, ${requestsPerSecond} requests a second are for sign-ins.`;
        throw failure('CLERK_RATE_LIMITED', detail, { retryAfterMs });
      }
      left -= 1;
      return clerk.get(path, query, signal);
    },
  };
}
