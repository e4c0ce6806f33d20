import express, { type ErrorRequestHandler, type Express } from 'express';
import { FAILURES } from '../failures.js';
import { createReadyz, type HealthChecks, healthz } from './health.js';
import { createWebhookHandler, type WebhookDependencies } from './webhook.js';

export interface AppDependencies extends WebhookDependencies {
  health: HealthChecks;
  maxBodyBytes: number;
}

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
  app.post('/webhooks/clerk', rawBody, createWebhookHandler(deps));
  app.use((_request, response) => {
    response
      .status(404)
      .json({ outcome: 'rejected', message: 'Nothing here. Webhooks go to POST /webhooks/clerk.' });
  });

  const onError: ErrorRequestHandler = (error, request, response, next) => {
    if (response.headersSent) return next(error);
    const status = clientErrorStatus(error);
    if (status !== undefined) {
      const code = status === 413 ? 'BODY_TOO_LARGE' : 'BODY_UNREADABLE';
      metrics.countDelivery(code, 0);
      log.warn({ code, svixId: request.headers['svix-id'] }, 'Webhook rejected');
      response.status(status).json({ outcome: 'rejected', code, message: FAILURES[code].meaning });
    } else {
      metrics.countDelivery('UNKNOWN', 0);
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
