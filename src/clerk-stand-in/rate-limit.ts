import { ClerkError } from './clerk-error.js';

interface Limit {
  readonly requests: number;
  readonly perMs: number;
}

/** Counts requests in fixed windows, one per key; who is over the limit stays blocked until the window has passed. */
export class RateLimiter {
  readonly #windows = new Map<string, { startMs: number; requests: number }>();
  #sweptMs = 0;

  /** @throws ClerkError 429 with `Retry-After` in seconds */
  take(key: string, limit: Limit | null, nowMs: number): void {
    if (!limit) return;
    this.#forgetPassed(limit, nowMs);
    let window = this.#windows.get(key);
    if (!window || nowMs - window.startMs >= limit.perMs) {
      window = { startMs: nowMs, requests: 0 };
      this.#windows.set(key, window);
    }
    if (++window.requests <= limit.requests) return;
    const waitSeconds = Math.max(1, Math.ceil((window.startMs + limit.perMs - nowMs) / 1000));
    const long_message = 'You made too many requests in too short a time. Please try again later.';
    const item = { message: 'Too many requests', long_message, code: 'too_many_requests' };
    throw new ClerkError(429, item, { 'Retry-After': String(waitSeconds) });
  }

  #forgetPassed(limit: Limit, nowMs: number): void {
    if (nowMs - this.#sweptMs < limit.perMs) return;
    this.#sweptMs = nowMs;
    for (const [key, { startMs }] of this.#windows)
      if (nowMs - startMs >= limit.perMs) this.#windows.delete(key);
  }
}
