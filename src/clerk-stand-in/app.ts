import express, { type Express } from 'express';
import { ClerkError } from './clerk-error.js';
import { controlRoutes } from './control-routes.js';
import { homePage } from './home-page.js';
import { answerError, requestGate } from './request-gate.js';
import { sendJson } from './send-json.js';
import type { SessionKeys } from './session-keys.js';
import { sessionRoutes } from './session-routes.js';
import type { SessionStore } from './session-store.js';
import type { StandInSettings } from './stand-in-settings.js';
import type { UserOperations } from './user-operations.js';
import { userRoutes } from './user-routes.js';
import type { WebhookSender } from './webhook-sender.js';

export interface RequestStats {
  total: number;
  /** Keyed like `GET /v1/users/:id`. */
  readonly byRoute: Record<string, number>;
  readonly byStatus: Record<number, number>;
}

export interface AppDeps {
  readonly secretKey: string;
  readonly instanceId: string;
  readonly users: UserOperations;
  readonly sessions: SessionStore;
  readonly keys: SessionKeys;
  readonly webhooks: WebhookSender;
  readonly settings: StandInSettings;
  readonly stats: RequestStats;
  readonly now: () => number;
  readonly url: () => string;
}

/** Assembles the Express app; `startStandIn` listens. */
export function createApp(deps: AppDeps): Express {
  const { secretKey, instanceId, users, sessions, keys, webhooks, settings, stats, now } = deps;
  const facts = () => {
    const { publishableKey, jwtKey } = keys;
    return {
      url: deps.url(),
      secretKey,
      publishableKey,
      jwtKey,
      instanceId,
      users: users.count(),
      requests: stats,
    };
  };
  const app = express();
  app.disable('x-powered-by').disable('etag').set('query parser', false);
  app.get('/', (_req, res) => {
    res.setHeader('Content-Type', 'text/html; charset=utf-8');
    res.end(homePage(facts()));
  });
  app.use('/stand-in', controlRoutes(settings, webhooks, facts));
  app.use('/v1', (req, res, next) => {
    stats.total++;
    const route = `${req.method} /v1${req.path.replace(/\/(user|sess|idn)_[^/]+/g, '/:id')}`;
    stats.byRoute[route] = (stats.byRoute[route] ?? 0) + 1;
    res.on('finish', () => {
      stats.byStatus[res.statusCode] = (stats.byStatus[res.statusCode] ?? 0) + 1;
    });
    next();
  });
  app.use('/v1', requestGate({ settings, secretKey, now }), express.json({ limit: '1mb' }));
  app.get('/v1/instance', (_req, res) =>
    sendJson(res, 200, {
      object: 'instance',
      id: instanceId,
      environment_type: secretKey.startsWith('sk_live_') ? 'production' : 'development',
      allowed_origins: null,
    }),
  );
  app.use('/v1', userRoutes(users, settings, now), sessionRoutes(users, sessions, keys, now));
  app.use((req) => {
    const message = `There is no ${req.method} ${req.path} here.`;
    throw new ClerkError(404, { message, long_message: message, code: 'url_not_found' });
  });
  app.use(answerError);
  return app;
}
