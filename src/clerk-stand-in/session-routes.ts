import { Router } from 'express';
import { requestOrigin } from './request-origin.js';
import { sendJson } from './send-json.js';
import type { SessionKeys } from './session-keys.js';
import type { SessionStore } from './session-store.js';
import { createSessionBody, parseBody, sessionTokenBody } from './user-bodies.js';
import type { UserOperations } from './user-operations.js';

/** /sessions and /jwks. Creating a session is a sign-in. */
export function sessionRoutes(
  users: UserOperations,
  sessions: SessionStore,
  keys: SessionKeys,
  now: () => number,
): Router {
  const router = Router();
  router.get('/jwks', (_req, res) => sendJson(res, 200, keys.jwks()));
  router.post('/sessions', (req, res) => {
    const { user_id } = parseBody(createSessionBody, req.body);
    sendJson(res, 200, users.signIn(user_id, requestOrigin(req)));
  });
  router.get('/sessions/:id', (req, res) => sendJson(res, 200, sessions.mustGet(req.params.id)));
  router.post('/sessions/:id/tokens', (req, res) => {
    const { user_id, id } = sessions.mustGetActive(req.params.id, now());
    const { claims = {}, expires_in_seconds } = parseBody(sessionTokenBody, req.body);
    const exp = expires_in_seconds ? { exp: Math.floor(now() / 1000) + expires_in_seconds } : {};
    sendJson(res, 200, {
      object: 'token',
      jwt: keys.mintToken({ ...claims, ...exp, sub: user_id, sid: id }),
    });
  });
  router.post('/sessions/:id/revoke', (req, res) =>
    sendJson(res, 200, users.revokeSession(req.params.id, requestOrigin(req))),
  );
  return router;
}
