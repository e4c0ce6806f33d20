import { clerkMiddleware, getAuth } from '@clerk/express';
import { createClerkApi, getSyncedUser, handOverToStarter, syncOnSignIn } from 'clerk-temporal-sync';
import express from 'express';
import { errorPage, notReadyPage, rowPage, signedOutPage } from './pages.js';

/** As Express reads a path: whatever the case. */
const isApi = (path) => /^\/api\//i.test(path);

/**
 * @param db from `connectDatabase`, one of each a process.
 * @param signInUrl where people sign in, for those who have not.
 * @param beforeClerk a development aid, see stand-in-sign-up.js; undefined in production.
 */
export function createApp({ env, db, signInUrl, beforeClerk }) {
  const app = express();
  app.disable('x-powered-by');
  if (beforeClerk) app.use(beforeClerk);

  // --- What your own application needs, from here ...
  app.use(
    clerkMiddleware({
      jwtKey: env.CLERK_JWT_KEY?.replaceAll('\\n', '\n'),
      authorizedParties: env.CLERK_AUTHORIZED_PARTIES?.split(','),
    }),
  );
  app.use(
    syncOnSignIn({
      db,
      clerk: createClerkApi({
        secretKey: env.CLERK_SECRET_KEY,
        apiUrl: env.CLERK_API_URL ?? 'https://api.clerk.com',
      }),
      // With columns of your own: import config from './clerk-sync.config.mjs', the file that the worker has, and here
      // mapping: config.mapping,
      // The row then has them, under their own names: row.plan.
      whenMissing: ({ url }) => (isApi(url) ? 'refuse' : 'continue'),
      handOver: env.STARTER_URL
        ? handOverToStarter({ url: env.STARTER_URL, apiToken: env.STARTER_API_TOKEN })
        : undefined,
      log: console,
    }),
  );
  // --- ... to here. From now on getSyncedUser(request) is the row of whoever sends the request.

  app.get('/', (_request, response) => response.redirect('/me'));

  app.get('/me', (request, response) => {
    response.setHeader('Cache-Control', 'no-store');
    const row = getSyncedUser(request);
    if (row) response.send(rowPage(row, { canSignOut: beforeClerk !== undefined }));
    else if (getAuth(request).isAuthenticated) response.status(503).send(notReadyPage());
    else response.status(401).send(signedOutPage(signInUrl));
  });

  app.get('/api/me', (request, response) => {
    response.setHeader('Cache-Control', 'no-store');
    const row = getSyncedUser(request);
    // Whoever signed in has a row here: the others were refused above, by `whenMissing`.
    if (!row) response.status(401).json({ code: 'SIGNED_OUT', message: 'Send a session token of Clerk.' });
    else response.json({ id: row.clerkId, name: row.name, email: row.email, createdAt: row.clerkCreatedAt });
  });

  app.use((request, response) => {
    if (isApi(request.path)) response.status(404).json({ code: 'NOT_FOUND' });
    else response.status(404).send(errorPage('There is nothing here.'));
  });

  app.use((error, request, response, next) => {
    if (response.headersSent) return next(error);
    console.error(error);
    if (isApi(request.path)) response.status(500).json({ code: 'INTERNAL' });
    else response.status(500).send(errorPage('Something failed here. Try again in a moment.'));
  });
  return app;
}
