import { hash } from 'node:crypto';
import { failure } from '../failures.js';
import { retryAfterMs } from './retry-after.js';

/** The version whose shapes this service was written against; without it Clerk picks one by rules it does not document. */
const API_VERSION = '2026-05-12';

export interface ClerkApiOptions {
  secretKey: string;
  /** Without `/v1`. Default https://api.clerk.com; or a stand-in's address. */
  apiUrl?: string;
  /** One request's limit, body included. Clerk's own SDK has none. */
  timeoutMs?: number;
  /** Told of each answer how far our clock is ahead of Clerk's, milliseconds; as exact as the answer's time. */
  onClock?: (aheadMs: number) => void;
}

export interface ClerkAnswer {
  status: 200 | 404 | 422;
  /** undefined where it is known. */
  body: unknown;
  /** SHA-256 of the body as it came, for Clerk sends no ETag. */
  digest: string;
  /** Unix milliseconds at which the request started, by Clerk's clock where ours is seen to differ. */
  observedAtMs: number;
}

/** GET requests to Clerk's Backend API. */
export interface ClerkApi {
  /**
   * How many requests a second Clerk allows the key's instance, whoever sends them.
   *
   * @see https://clerk.com/docs/guides/how-clerk-works/system-limits
   */
  readonly allowedPerSecond: number;
  /**
   * @param path below `/v1`, e.g. `/users`.
   * @param isKnown tells by its digest whether a 200's body is known; that one is not parsed.
   * @returns a 200, or a 404 or 422 that carries Clerk's own error body; those two mean something to some callers.
   * @throws CLERK_RATE_LIMITED, CLERK_UNAVAILABLE, CLERK_KEY_REFUSED, CLERK_REQUEST_REFUSED or CLERK_ANSWER_UNUSABLE, all
   *   retried: whether a user is gone is never concluded from any of them.
   */
  get(
    path: string,
    query?: URLSearchParams,
    signal?: AbortSignal,
    isKnown?: (digest: string) => boolean | Promise<boolean>,
  ): Promise<ClerkAnswer>;
}

/** @throws TypeError without a key. */
export function createClerkApi({
  secretKey,
  apiUrl = 'https://api.clerk.com',
  timeoutMs = 10_000,
  onClock,
}: ClerkApiOptions): ClerkApi {
  if (typeof secretKey !== 'string' || secretKey === '')
    throw new TypeError('createClerkApi needs secretKey: sk_live_… or sk_test_…. Look at CLERK_SECRET_KEY.');
  const headers = {
    authorization: `Bearer ${secretKey}`,
    'clerk-api-version': API_VERSION,
    'user-agent': 'clerk-temporal-sync',
    accept: 'application/json',
  };
  let blockedUntilMs = 0;
  return {
    allowedPerSecond: secretKey.startsWith('sk_test_') ? 10 : 100,
    async get(path, query, signal, isKnown) {
      // What Clerk told one request holds for all of them: asking again before would only prolong it.
      const blockedMs = blockedUntilMs - Date.now();
      if (blockedMs > 0)
        throw failure(
          'CLERK_RATE_LIMITED',
          `GET ${path}: not sent, ${blockedMs} ms of Retry-After are left.`,
          {
            retryAfterMs: blockedMs,
          },
        );
      const url = `${apiUrl}/v1${path}${query && query.size > 0 ? `?${query}` : ''}`;
      const timeout = AbortSignal.timeout(timeoutMs);
      const startedAtMs = Date.now();
      let status: number;
      let bytes: Buffer;
      let retryAfter: string | null;
      let observedAtMs: number;
      try {
        const response = await fetch(url, {
          headers,
          redirect: 'error',
          signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
        });
        status = response.status;
        retryAfter = response.headers.get('retry-after');
        const aheadMs = aheadOfClerk(response.headers.get('date'));
        if (aheadMs !== null) onClock?.(aheadMs);
        // Deletions and events are timed by Clerk's clock, so a request is too as soon as ours is seen to differ.
        observedAtMs = startedAtMs - (Math.abs(aheadMs ?? 0) > CLOCK_TOLERANCE_MS ? (aheadMs ?? 0) : 0);
        bytes = Buffer.from(await response.arrayBuffer());
      } catch (cause) {
        signal?.throwIfAborted();
        const what = timeout.aborted ? `no answer within ${timeoutMs} ms` : 'the connection failed';
        throw failure('CLERK_UNAVAILABLE', `GET ${path}: ${what}.`, { cause });
      }
      const delayMs = status === 429 || status === 503 ? retryAfterMs(retryAfter, Date.now()) : undefined;
      if (status === 429 && delayMs !== undefined) blockedUntilMs = Date.now() + delayMs;
      const digest = hash('sha256', bytes, 'base64url');
      if (status === 200 && (await isKnown?.(digest)))
        return { status, body: undefined, digest, observedAtMs };
      return { ...answerOf(path, status, bytes.toString(), delayMs), digest, observedAtMs };
    },
  };
}

/** Beyond what seconds and a request's duration explain, a difference means that our clock is wrong. */
const CLOCK_TOLERANCE_MS = 3_000;

/** @returns null for an answer without a time. */
function aheadOfClerk(date: string | null): number | null {
  const answeredAtMs = Date.parse(date ?? '');
  return Number.isNaN(answeredAtMs) ? null : Date.now() - answeredAtMs;
}

function answerOf(
  path: string,
  status: number,
  text: string,
  delayMs: number | undefined,
): Pick<ClerkAnswer, 'status' | 'body'> {
  const body = parseJson(text);
  const code = clerkErrorCode(body);
  const what = `GET ${path}: status ${status}${code === undefined ? '' : `, ${code}`}.`;
  if (status === 200) {
    if (body === undefined) throw failure('CLERK_ANSWER_UNUSABLE', `${what} The body is not JSON.`);
    return { status, body };
  }
  if (status === 429 || status === 503) {
    const failed = status === 429 ? 'CLERK_RATE_LIMITED' : 'CLERK_UNAVAILABLE';
    throw failure(failed, what, delayMs === undefined ? {} : { retryAfterMs: delayMs });
  }
  if (status >= 500) throw failure('CLERK_UNAVAILABLE', what);
  if (status === 401 || status === 403) throw failure('CLERK_KEY_REFUSED', what);
  if (code === undefined) throw failure('CLERK_ANSWER_UNUSABLE', `${what} The body is not Clerk's.`);
  if (status === 404 || status === 422) return { status, body };
  throw failure('CLERK_REQUEST_REFUSED', what);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Told apart by the caller: no JSON text parses to undefined.
    return undefined;
  }
}

/** The first code of Clerk's error body, which tells its 404 from a proxy's. */
function clerkErrorCode(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null || !('errors' in body) || !Array.isArray(body.errors))
    return undefined;
  const first: unknown = body.errors[0];
  return typeof first === 'object' && first !== null && 'code' in first && typeof first.code === 'string'
    ? first.code
    : undefined;
}
