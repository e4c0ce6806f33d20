import { FAILURES, type FailureCode, failure } from '../failures.js';

export interface HandOverOptions {
  /** The starter's address, as in https://sync.example.com. */
  url: string;
  /** The starter's setting API_TOKEN. */
  apiToken: string;
  /** Longest wait for the starter, milliseconds. Default 15,000: it answers within about 13 s, whatever is down. */
  timeoutMs?: number;
}

/**
 * Makes what {@link syncOnSignIn} takes as `handOver`: the user's workflow asks Clerk and writes the row, as soon as
 * Clerk and Postgres answer.
 *
 * @returns a function that resolves once the row is in step, or Temporal has the change, so that the row follows by
 *   itself; also for a user whom Clerk does not have, who needs no row. It rejects, never with the token, with
 *   API_TOKEN_INVALID, USER_ID_INVALID, TEMPORAL_UNAVAILABLE or STARTER_UNAVAILABLE.
 * @throws TypeError, at once, for an address or a token that no request could be made with.
 * @remarks Safe to repeat: calls of one user share a run. What was not handed over, the webhook or the reconcile repairs.
 * @see starter/sync-routes.ts
 */
export function handOverToStarter(options: HandOverOptions): (clerkUserId: string) => Promise<void> {
  const { timeoutMs = 15_000 } = options;
  const base = baseOf(options.url);
  // What fetch says of a malformed header quotes it.
  if (!/^[\x21-\x7e]+$/.test(options.apiToken))
    throw new TypeError("handOverToStarter: apiToken must be the starter's API_TOKEN, without white space.");
  const headers = { authorization: `Bearer ${options.apiToken}`, accept: 'application/json' };

  return async (clerkUserId) => {
    const url = `${base}/v1/users/${encodeURIComponent(clerkUserId)}/sync`;
    const signal = AbortSignal.timeout(timeoutMs);
    let status: number;
    let text: string;
    try {
      const response = await fetch(url, { method: 'POST', headers, redirect: 'manual', signal });
      status = response.status;
      text = await response.text();
    } catch (cause) {
      const what = signal.aborted ? `no answer within ${timeoutMs} ms` : 'the connection failed';
      throw failure('STARTER_UNAVAILABLE', `POST ${url}: ${what}.`, { cause });
    }
    const { code, isTaken } = answerOf(text);
    if (isTaken || code === 'USER_NOT_FOUND') return;
    const hint = status === 404 ? ', as of a starter without API_TOKEN' : '';
    throw failure(code ?? 'STARTER_UNAVAILABLE', `POST ${url}: status ${status}${hint}.`);
  };
}

function baseOf(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  const isPlain = parsed && !parsed.username && !parsed.password && !parsed.search && !parsed.hash;
  if (!isPlain || !/^https?:$/.test(parsed.protocol))
    throw new TypeError("handOverToStarter: url must be the starter's address, https://….");
  return parsed.href.replace(/\/+$/, '');
}

/** What the starter says; nothing where somebody else answers, whatever the status. */
function answerOf(text: string): { code: FailureCode | undefined; isTaken: boolean } {
  let body: { outcome?: unknown; code?: unknown; kept?: unknown } | null = null;
  try {
    body = JSON.parse(text);
  } catch {
    // A proxy's page.
  }
  const { outcome, code, kept } = body ?? {};
  const isOurs = typeof code === 'string' && Object.hasOwn(FAILURES, code);
  return {
    code: isOurs ? (code as FailureCode) : undefined,
    isTaken: kept === true || (typeof outcome === 'string' && outcome !== 'rejected'),
  };
}
