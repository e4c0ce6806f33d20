import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import { FAILURES } from '../failures.js';
import { createReadyz, type HealthChecks, healthz } from './health.js';
import { createSyncRoutes, type SyncRouteDependencies } from './sync-routes.js';
import { createWebhookHandler, type WebhookDependencies } from './webhook.js';

export interface AppDependencies extends WebhookDependencies {
  sync: Omit<SyncRouteDependencies, 'log'>;
  health: HealthChecks;
  maxBodyBytes: number;
}

const WEBHOOK_PATH = '/webhooks/clerk';
const NOTHING_HERE = `Nothing here. Webhooks go to POST ${WEBHOOK_PATH}, those who signed in to POST /v1/sync/me, and operators, where API_TOKEN is set, to POST /v1/users/:id/sync.`;

/** Assembles the starter: what it serves, and in which order. Listens to nothing; server.ts does. */
export function createApp(deps: AppDependencies): Express {
  const { log, metrics } = deps;
  const app = express();
  app.disable('x-powered-by');
  app.get('/healthz', healthz);
  app.get('/readyz', createReadyz(deps.health));
  app.get('/metrics', async (_request, response) => {
    response.type('text/plain').send(await metrics.text());
  });
  // The signature is over the bytes, so nothing may parse them first, whatever the content type claims.
  const rawBody = express.raw({ type: () => true, limit: deps.maxBodyBytes });
  // Express takes other spellings of the path as well, so no comparison afterwards would find them all.
  app.use(WEBHOOK_PATH, (_request, response, next) => {
    response.locals.isDelivery = true;
    next();
  });
  app.route(WEBHOOK_PATH).post(rawBody, createWebhookHandler(deps)).all(misdirected(405));
  app.use(createSyncRoutes({ ...deps.sync, log }));
  app.use((request, response, next) => {
    // To Svix, an endpoint with a wrong path in its address looks like one that is down.
    if (response.locals.isDelivery || request.headers['svix-id'] !== undefined)
      misdirected(404)(request, response, next);
    else response.status(404).json({ outcome: 'rejected', message: NOTHING_HERE });
  });

  function misdirected(status: 404 | 405): RequestHandler {
    const code = 'DELIVERY_MISDIRECTED';
    return ({ method, headers }, response) => {
      metrics.countDelivery(code, 0);
      log.warn({ code, svixId: headers['svix-id'], method }, 'Webhook rejected');
      if (status === 405) response.setHeader('Allow', 'POST');
      response
        .status(status)
        .json({ outcome: 'rejected', code, message: `${FAILURES[code].meaning} ${NOTHING_HERE}` });
    };
  }

  const onError: ErrorRequestHandler = (error, request, response, next) => {
    if (response.headersSent) return next(error);
    const status = clientErrorStatus(error);
    const isDelivery = response.locals.isDelivery === true;
    if (status !== undefined) {
      const code = status === 413 ? 'BODY_TOO_LARGE' : 'BODY_UNREADABLE';
      if (isDelivery) metrics.countDelivery(code, 0);
      log.warn(
        { code, svixId: request.headers['svix-id'] },
        isDelivery ? 'Webhook rejected' : 'Request rejected',
      );
      response.status(status).json({ outcome: 'rejected', code, message: FAILURES[code].meaning });
    } else {
      if (isDelivery) metrics.countDelivery('UNKNOWN', 0);
      log.error(
        { err: { name: error?.name, message: error?.message, stack: error?.stack } },
        'Request failed',
      );
      response.status(500).json({ outcome: 'rejected', message: 'Something failed here; it is in the log.' });
    }
  };
  app.use(onError);
  return app;
}

/** body-parser's errors carry the status that the client deserves. */
function clientErrorStatus(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('status' in error) || typeof error.status !== 'number')
    return undefined;
  return error.status >= 400 && error.status < 500 ? error.status : undefined;
}
