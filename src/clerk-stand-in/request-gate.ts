import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { apiVersion } from './api-version.js';
import { ClerkError } from './clerk-error.js';
import { RateLimiter } from './rate-limit.js';
import { sendJson } from './send-json.js';
import type { InjectedFailure, StandInSettings } from './stand-in-settings.js';

interface GateDeps {
  readonly settings: StandInSettings;
  readonly secretKey: string;
  readonly now: () => number;
}

/** What a request meets before its route, in this order: injected failures, latency, maintenance, key, rate, version. */
export function requestGate({ settings, secretKey, now }: GateDeps): RequestHandler {
  const limiter = new RateLimiter();
  return async (req, res, next) => {
    const failure = takeFailure(settings, req);
    if (failure && failure.kind !== 'slow') return fail(failure, res);
    await pause(settings.latencyMs + (failure?.latencyMs ?? 0), res);
    if (res.destroyed) return;
    res.locals.answerDelayMs = settings.answerDelayMs;
    if (inMaintenance(settings, req)) return sendMaintenance(res);
    requireKey(req, secretKey);
    if (req.path !== '/jwks') limiter.take('instance', settings.rateLimit, now());
    apiVersion(req);
    next();
  };
}

/** The last middleware: whatever was thrown becomes an answer in Clerk's shape. */
export function answerError(error: unknown, _req: Request, res: Response, next: NextFunction): void {
  if (res.headersSent) {
    next(error);
    return;
  }
  const known = error instanceof ClerkError ? error : asClerkError(error);
  for (const [name, value] of Object.entries(known.headers)) res.setHeader(name, value);
  sendJson(res, known.status, known.body());
}

function asClerkError(error: unknown): ClerkError {
  // The body parser marks what the client sent wrong with a 4xx status.
  const status =
    typeof error === 'object' && error !== null && 'status' in error ? Number(error.status) : 500;
  const message = error instanceof Error ? error.message : String(error);
  const [code, asked] = status < 500 ? ['request_body_invalid', 400] : ['internal_clerk_error', 500];
  return new ClerkError(asked, { message, long_message: message, code });
}

function requireKey(req: Request, secretKey: string): void {
  const [, key] = /^Bearer (.+)$/.exec(req.get('authorization') ?? '') ?? [];
  if (key === undefined) {
    throw new ClerkError(401, {
      message: 'Invalid Authorization header format',
      long_message: 'Invalid Authorization header format. Must be "Bearer <YOUR_API_KEY>"',
      code: 'authorization_header_format_invalid',
    });
  }
  if (key === secretKey) return;
  const message =
    'The provided Clerk Secret Key is invalid. Make sure that your Clerk Secret Key is correct.';
  throw new ClerkError(401, { message, long_message: message, code: 'clerk_key_invalid' });
}

function inMaintenance({ maintenance }: StandInSettings, req: Request): boolean {
  return maintenance === 'development' || (maintenance === 'production' && req.method !== 'GET');
}

/** The one body of Clerk's that is flat. */
function sendMaintenance(res: Response): void {
  const shortMessage = 'System under maintenance';
  const longMessage = 'We are currently undergoing maintenance and only essential operations are permitted.';
  sendJson(res, 503, { shortMessage, longMessage, code: 'maintenance_mode' });
}

function takeFailure(settings: StandInSettings, req: Request): InjectedFailure | undefined {
  const failure = settings.failures.find(
    ({ method, pathPrefix }) =>
      (method === undefined || method === req.method) &&
      (pathPrefix === undefined || req.originalUrl.startsWith(pathPrefix)),
  );
  if (failure?.times !== undefined && --failure.times <= 0) {
    settings.failures.splice(settings.failures.indexOf(failure), 1);
  }
  return failure;
}

function fail(failure: Exclude<InjectedFailure, { kind: 'slow' }>, res: Response): void {
  if (failure.kind === 'drop') res.destroy();
  else if (failure.kind === 'empty-list') sendJson(res, 200, []);
  else if (failure.kind === 'broken-json') {
    res.setHeader('Content-Type', 'application/json');
    res.end('[{"object":"user","id":"user_');
  } else {
    const message = 'An injected failure';
    const clerkBody = () =>
      new ClerkError(failure.status, { message, long_message: message, code: 'injected_failure' }).body();
    const body = failure.body ?? clerkBody();
    for (const [name, value] of Object.entries(failure.headers ?? {})) res.setHeader(name, value);
    res.statusCode = failure.status;
    res.setHeader('Content-Type', failure.contentType ?? 'application/json');
    res.end(typeof body === 'string' ? body : JSON.stringify(body));
  }
}

/** Ends early when the client, or a stopping server, closes the connection. */
function pause(waitMs: number, res: Response): Promise<void> {
  if (waitMs <= 0) return Promise.resolve();
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(end, waitMs);
    res.on('close', end);
  });
}
