import type { IncomingMessage, ServerResponse } from 'node:http';
import { FAILURES, failure, failureCode } from '../failures.js';
import { createBearerSession } from './bearer-session.js';
import { carefulLog } from './careful-log.js';
import { setSyncedUser } from './get-synced-user.js';
import { createRowKeeper, type KnownRow, type RowKeeperOptions } from './row-keeper.js';
import type { Session } from './session.js';
import { sessionOfRequest } from './session-of-request.js';
import type { VerifySession } from './verify-session.js';

export interface SyncOnSignInOptions extends RowKeeperOptions {
  /** To be mounted without Clerk's middleware: checks the bearer token; see `createSessionVerifier`. */
  verifySession?: VerifySession;
  /**
   * What becomes of a request whose user's row could not be made sure of. `continue` (default): it goes on, and
   * `getSyncedUser` returns null. `refuse`: it is answered 503, or 401 when the user is gone. A function decides for each
   * such request, so that pages and an API share one middleware, with its memory and its budget.
   */
  whenMissing?: WhenMissing | ((request: IncomingMessage) => WhenMissing);
}

export type WhenMissing = 'continue' | 'refuse';

/** Fits Express 4 and 5, and whatever else calls middleware as they do. */
export type SignInMiddleware = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

/**
 * Makes the middleware that sees to it that the user who sends a request has a row. Mounted after Clerk's
 * `clerkMiddleware` it reads `req.auth()`; with `verifySession` it reads the bearer token itself.
 *
 * @returns a middleware. Requests by which nobody signs in pass untouched: signed out, impersonated, pending, API keys,
 *   machine and OAuth tokens, and tokens that do not verify. For others the row is there once it calls `next`, and
 *   {@link getSyncedUser} returns it; for a session that it knows already, without any wait. What it could not make sure
 *   of within the time box goes by `whenMissing`, and to `handOver`.
 * @remarks One for a process: it remembers sessions and keeps the budget of requests. A refused request is answered with
 *   JSON, `{ code, message }`, the code of the failure catalogue.
 * @throws TypeError for options that cannot work, when it is made.
 * @see https://clerk.com/docs/reference/express/clerk-middleware
 */
export function syncOnSignIn(options: SyncOnSignInOptions): SignInMiddleware {
  refuseUnusable(options);
  const { verifySession, whenMissing = 'continue', maxSessions = 5_000, timeoutMs = 1_500 } = options;
  const log = carefulLog(options.log);
  const bearerSession = verifySession === undefined ? null : createBearerSession(verifySession, maxSessions);
  const keeper = createRowKeeper(options);

  const goOn = (
    known: KnownRow,
    request: IncomingMessage,
    response: ServerResponse,
    next: (error?: unknown) => void,
  ) => {
    setSyncedUser(request, known.state === 'present' ? known.row : null);
    const policy = () => (typeof whenMissing === 'function' ? whenMissing(request) : whenMissing);
    if (known.state === 'present' || policy() === 'continue') next();
    else refuse(response, known.state === 'gone' ? 'USER_GONE' : 'USER_NOT_READY');
  };

  const withSession: (session: Session | null, ...rest: Parameters<SignInMiddleware>) => void = (
    session,
    request,
    response,
    next,
  ) => {
    if (session === null) {
      setSyncedUser(request, null);
      next();
      return;
    }
    const known = keeper.remembered(session);
    if (known !== undefined) goOn(known, request, response, next);
    else
      keeper
        .ensure(session)
        .then((found) => goOn(found, request, response, next))
        .catch(next);
  };

  const verifiedInTime = async (verifying: Promise<Session | null>): Promise<Session | null> => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const tooLate = () =>
        reject(failure('USER_NOT_READY', `The token was not verified in ${timeoutMs} ms.`));
      timer = setTimeout(tooLate, timeoutMs);
    });
    try {
      return await Promise.race([verifying, late]);
    } finally {
      clearTimeout(timer);
    }
  };

  return (request, response, next) => {
    const session = bearerSession === null ? sessionOfRequest(request) : bearerSession(request);
    if (session === undefined) {
      next(new Error('syncOnSignIn needs clerkMiddleware() before it, or the option verifySession.'));
    } else if (session instanceof Promise) {
      verifiedInTime(session)
        .then(
          (verified) => withSession(verified, request, response, next),
          (error: unknown) => {
            log.warn({ code: failureCode(error) ?? 'UNKNOWN' }, 'The session was not verified');
            goOn({ state: 'missed' }, request, response, next);
          },
        )
        .catch(next);
    } else withSession(session, request, response, next);
  };
}

function refuse(response: ServerResponse, code: 'USER_GONE' | 'USER_NOT_READY'): void {
  const { meaning, httpStatus } = FAILURES[code];
  response.statusCode = httpStatus;
  response.setHeader('Content-Type', 'application/json');
  response.setHeader('Cache-Control', 'no-store');
  if (httpStatus === 503) response.setHeader('Retry-After', '1');
  response.end(JSON.stringify({ code, message: meaning }));
}

/** For whoever writes no TypeScript: said here, or each request would tell of it, and not what to do. */
function refuseUnusable({
  db,
  clerk,
  mapping,
  whenMissing = 'continue',
}: Partial<SyncOnSignInOptions> = {}): void {
  const problems = [
    ...(db ? [] : ['db is missing: connectDatabase({ url })']),
    ...(clerk ? [] : ['clerk is missing: createClerkApi({ secretKey })']),
    ...(mapping === undefined || typeof mapping.valuesOf === 'function'
      ? []
      : ['mapping is not made by defineUserMapping; of a configuration it is `config.mapping`']),
    ...(typeof whenMissing === 'function' || ['continue', 'refuse'].includes(whenMissing)
      ? []
      : ["whenMissing is neither 'continue' nor 'refuse' nor a function"]),
  ];
  if (problems.length > 0) throw new TypeError(`syncOnSignIn: ${problems.join('; ')}.`);
}
