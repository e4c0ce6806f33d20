import { type Request, type Response, Router } from 'express';
import { apiVersion } from './api-version.js';
import { ClerkError } from './clerk-error.js';
import { queryOf } from './query-of.js';
import { RateLimiter } from './rate-limit.js';
import { requestOrigin } from './request-origin.js';
import { sendJson } from './send-json.js';
import type { StandInSettings } from './stand-in-settings.js';
import { bulkBody, parseBody } from './user-bodies.js';
import type { UserOperations } from './user-operations.js';

/** Since this version PATCH /users/{id} refuses metadata, which has requests of its own. */
const METADATA_SPLIT_VERSION = '2026-05-12';
const METADATA = ['public_metadata', 'private_metadata', 'unsafe_metadata'];

/** /users and /email_addresses. */
export function userRoutes(users: UserOperations, settings: StandInSettings, now: () => number): Router {
  const router = Router();
  const limiter = new RateLimiter();
  const limitWrites = (req: Request<{ id: string }>, _res: Response, next: () => void) => {
    limiter.take(req.params.id, settings.userWriteLimit, now());
    next();
  };

  router.get('/users', (req, res) => sendJson(res, 200, users.list(queryOf(req))));
  router.get('/users/count', (req, res) =>
    sendJson(res, 200, { object: 'total_count', total_count: users.count(queryOf(req)) }),
  );
  router.post('/users', (req, res) => sendJson(res, 200, users.createUser(req.body, requestOrigin(req))));
  router.post(['/users/ban', '/users/unban'], (req, res) => {
    const { user_ids } = parseBody(bulkBody, req.body);
    for (const id of user_ids) users.get(id);
    const change = (id: string) =>
      req.path.endsWith('unban')
        ? users.unbanUser(id, requestOrigin(req))
        : users.banUser(id, requestOrigin(req));
    sendJson(res, 200, user_ids.map(change));
  });
  router.get('/users/:id', (req, res) => sendJson(res, 200, users.get(req.params.id)));
  router.patch('/users/:id', limitWrites, (req, res) => {
    refuseMetadata(req);
    sendJson(res, 200, users.updateUser(req.params.id, req.body ?? {}, requestOrigin(req)));
  });
  router.delete('/users/:id', (req, res) =>
    sendJson(res, 200, users.deleteUser(req.params.id, requestOrigin(req))),
  );
  router.patch('/users/:id/metadata', limitWrites, (req, res) =>
    sendJson(res, 200, users.mergeMetadata(req.params.id, req.body ?? {}, requestOrigin(req))),
  );
  router.put('/users/:id/metadata', limitWrites, (req, res) =>
    sendJson(res, 200, users.replaceMetadata(req.params.id, req.body ?? {}, requestOrigin(req))),
  );
  router.post('/users/:id/ban', (req, res) =>
    sendJson(res, 200, users.banUser(req.params.id, requestOrigin(req))),
  );
  router.post('/users/:id/unban', (req, res) =>
    sendJson(res, 200, users.unbanUser(req.params.id, requestOrigin(req))),
  );
  router.post('/users/:id/lock', (req, res) =>
    sendJson(res, 200, users.lockUser(req.params.id, requestOrigin(req))),
  );
  router.post('/users/:id/unlock', (req, res) =>
    sendJson(res, 200, users.unlockUser(req.params.id, requestOrigin(req))),
  );

  router.post('/email_addresses', (req, res) =>
    sendJson(res, 200, users.addEmailAddress(req.body, requestOrigin(req))),
  );
  router.get('/email_addresses/:id', (req, res) => sendJson(res, 200, users.getEmailAddress(req.params.id)));
  router.patch('/email_addresses/:id', (req, res) =>
    sendJson(res, 200, users.updateEmailAddress(req.params.id, req.body ?? {}, requestOrigin(req))),
  );
  router.delete('/email_addresses/:id', (req, res) =>
    sendJson(res, 200, users.deleteEmailAddress(req.params.id, requestOrigin(req))),
  );
  return router;
}

function refuseMetadata(req: Request): void {
  if (apiVersion(req) < METADATA_SPLIT_VERSION || typeof req.body !== 'object' || req.body === null) return;
  const name = METADATA.find((metadata) => Object.hasOwn(req.body, metadata));
  if (!name) return;
  const why = `${name} is not a parameter of this request any more: use PATCH or PUT /users/{user_id}/metadata.`;
  throw ClerkError.invalid(name, why, 'form_param_unknown');
}
