import cors from 'cors';
import { type Response, Router } from 'express';
import { isClerkUserId } from '../clerk/is-clerk-user-id.js';
import { FAILURES, failure, failureCode } from '../failures.js';
import type { Logger } from '../log.js';
import { type Names, PLAIN_NAMES } from '../names.js';
import type { VerifySession } from '../sign-in/verify-session.js';
import type { Writer } from '../user-change.js';
import { answerFailure } from './answer-failure.js';
import { bearerToken } from './bearer-token.js';
import { inTime } from './in-time.js';
import { isSameSecret } from './is-same-secret.js';
import type { SyncAnswer, SyncUserNow } from './sync-user-now.js';

/** A user's row by its columns' names in camelCase. */
export type UserRow = Readonly<Record<string, unknown>> & { readonly deletedAt: Date | null };

export interface SyncRouteDependencies {
  syncUserNow: SyncUserNow;
  /** @throws a failure of ours. */
  readUser: (clerkUserId: string) => Promise<UserRow | null>;
  /** Without it, or without a token, the route is not there. */
  verifySession: VerifySession | undefined;
  apiToken: string | undefined;
  /** Origins of web pages that may call `/v1/sync/me`. */
  corsOrigins: readonly string[];
  log: Logger;
  /** Default: those without a prefix. */
  names?: Names;
}

const READ_TIMEOUT_MS = 3_000;
const WITHOUT_KEY =
  'Sessions cannot be verified here: set CLERK_JWT_KEY or CLERK_SECRET_KEY for the starter, and restart it.';

/**
 * `POST /v1/sync/me` for a signed-in user, `POST /v1/users/:id/sync` for operators: Clerk is asked, the row written, and
 * answered as it then is.
 *
 * 200 with outcome and user; 429 SYNC_TOO_OFTEN; 401 SESSION_INVALID or API_TOKEN_INVALID; 400 USER_ID_INVALID; 404 USER_NOT_FOUND; 500 with the
 * code that parked the user's run; 503 with Retry-After for everything that may pass: the message, and `kept`, say
 * whether Temporal has the change, so that the row follows by itself.
 */
export function createSyncRoutes(deps: SyncRouteDependencies): Router {
  const { syncUserNow, readUser, verifySession, apiToken, corsOrigins, log, names = PLAIN_NAMES } = deps;
  const router = Router();
  if (corsOrigins.length > 0) {
    const options = { origin: [...corsOrigins], methods: 'POST', exposedHeaders: 'Retry-After', maxAge: 600 };
    router.use('/v1/sync/me', cors({ ...options, allowedHeaders: ['Authorization', 'Content-Type'] }));
  }
  router.post('/v1/sync/me', async (request, response) => {
    if (verifySession === undefined) {
      response.status(404).json({ outcome: 'rejected', message: WITHOUT_KEY });
      return;
    }
    await answer(response, 'sign-in', async () => {
      const token = bearerToken(request);
      if (token === '') throw failure('SESSION_INVALID', 'Reason: token-missing.');
      return (await verifySession(token)).clerkUserId;
    });
  });
  router.post('/v1/users/:id/sync', async (request, response, next) => {
    if (apiToken === undefined) return next();
    await answer(response, 'operator', async () => {
      const { id } = request.params;
      if (!isClerkUserId(id)) throw failure('USER_ID_INVALID', '');
      if (!isSameSecret(bearerToken(request), apiToken)) throw failure('API_TOKEN_INVALID', '');
      return id;
    });
  });
  return router;

  /** @param authorise tells whom the request is about, and throws for one that may not be answered. */
  async function answer(response: Response, writer: Writer, authorise: () => Promise<string>): Promise<void> {
    const startedMs = performance.now();
    const fields: Record<string, unknown> = { writer };
    let kept: true | undefined;
    // The row is one person's.
    response.setHeader('Cache-Control', 'no-store');
    try {
      const clerkUserId = await authorise();
      fields.clerkUserId = clerkUserId;
      fields.workflowId = names.syncUserWorkflowId(clerkUserId);
      const answered = await syncUserNow(clerkUserId, writer);
      if (answered.kind === 'failed') {
        Object.assign(fields, { code: answered.code, detail: answered.detail, kept: answered.kept });
        answerFailure(response, answered.code, whatFollows(answered), answered.kept);
      } else {
        fields.outcome = answered.outcome;
        kept = true;
        const user = answered.outcome === 'ignored' ? null : await read(clerkUserId);
        if (user === null || user.deletedAt !== null) throw failure('USER_NOT_FOUND', '');
        response.status(200).json({ outcome: answered.outcome, user: shown(user) });
      }
    } catch (error) {
      const code = failureCode(error);
      fields.code = code ?? 'UNKNOWN';
      fields.detail = error instanceof Error ? error.message : '';
      if (code !== undefined) answerFailure(response, code, '', kept);
      else
        response
          .status(500)
          .json({ outcome: 'rejected', message: 'Something failed here; it is in the log.' });
    }
    const durationMs = Math.round(performance.now() - startedMs);
    if (fields.code === undefined) log.info({ ...fields, durationMs }, 'User synced');
    else if (fields.code === 'UNKNOWN') log.error({ ...fields, durationMs }, 'Request failed');
    else log.warn({ ...fields, durationMs }, 'User not synced');
  }

  function read(clerkUserId: string): Promise<UserRow | null> {
    const late = () => failure('POSTGRES_UNAVAILABLE', `No row within ${READ_TIMEOUT_MS} ms.`);
    return inTime(readUser(clerkUserId), READ_TIMEOUT_MS, late);
  }
}

function whatFollows({ code, kept }: Extract<SyncAnswer, { kind: 'failed' }>): string {
  if (!kept) return 'Nothing was noted: ask again.';
  return FAILURES[code].retried
    ? 'Temporal has the change, and the row follows by itself.'
    : "The user's run is parked until somebody acts.";
}

/** Without what is Clerk's rendering and our bookkeeping of it, which may hold more than the user should see. */
function shown({ raw: _raw, contentHash: _contentHash, ...columns }: UserRow): Record<string, unknown> {
  return columns;
}
