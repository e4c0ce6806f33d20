import { once } from 'node:events';
import { clerkMiddleware } from '@clerk/express';
import express from 'express';
import type { StandIn } from '../../src/clerk-stand-in/start-stand-in.js';
import { getSyncedUser } from '../../src/sign-in/get-synced-user.js';
import { type SyncOnSignInOptions, syncOnSignIn } from '../../src/sign-in/sync-on-sign-in.js';

export interface Answer {
  status: number;
  headers: Headers;
  body: {
    /** The row, with its times as text. */
    user?: Record<string, unknown> | null;
    /** What Clerk's middleware says. */
    auth?: { userId: string | null; tokenType: string };
    code?: string;
    message?: string;
  };
}

/** An application on Clerk: a real Express server whose one route answers with the user's row. */
export interface Application {
  get(token?: string): Promise<Answer>;
  stop(): Promise<void>;
}

/**
 * @param clerk whose tokens are taken; Clerk's own middleware is mounted before, unless the options verify sessions
 *   themselves.
 */
export async function startApplication(
  clerk: Pick<StandIn, 'secretKey' | 'publishableKey' | 'jwtKey' | 'url'>,
  options: SyncOnSignInOptions,
): Promise<Application> {
  const app = express();
  const { secretKey, publishableKey, jwtKey, url: apiUrl } = clerk;
  const isAlone = options.verifySession !== undefined;
  if (!isAlone) app.use(clerkMiddleware({ secretKey, publishableKey, jwtKey, apiUrl }));
  app.use(syncOnSignIn(options));
  app.get('/me', (request, response) => {
    const auth = 'auth' in request && typeof request.auth === 'function' ? request.auth() : null;
    response.json({
      user: getSyncedUser(request),
      auth: auth && { userId: auth.userId ?? null, tokenType: auth.tokenType },
    });
  });
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening on TCP');
  return {
    async get(token) {
      const response = await fetch(`http://127.0.0.1:${address.port}/me`, {
        headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      });
      const text = await response.text();
      return {
        status: response.status,
        headers: response.headers,
        body: text.startsWith('{') ? JSON.parse(text) : { message: text },
      };
    },
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
