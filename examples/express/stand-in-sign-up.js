// Leave this file out of your own application. Against the real Clerk, people sign up on Clerk's pages, and Clerk's
// script in the browser keeps the cookies fresh. The stand-in (`clerk-sync stand-in`) has neither, so that here this
// server does both, and only when CLERK_API_URL is a stand-in on this very machine.
import express from 'express';
import { signUpPage } from './pages.js';

/** Clerk's tokens hold for 60 s. */
const RENEW_BEFORE_MS = 10_000;
const OWN_COOKIE = 'stand_in_session';
const LOOPBACK = ['127.0.0.1', '[::1]', 'localhost'];

/**
 * @returns the routes /sign-up and /sign-out, and what keeps the cookies fresh; undefined when Clerk is no stand-in.
 * @throws Error when CLERK_API_URL is this machine, but nobody answers there.
 */
export async function createStandInSignUp({ CLERK_API_URL: apiUrl, CLERK_SECRET_KEY: secretKey }) {
  if (!apiUrl || !LOOPBACK.includes(new URL(apiUrl).hostname)) return undefined;
  const { ok } = await fetch(`${apiUrl}/stand-in/status`).catch((cause) => {
    throw new Error(`Nobody answers at ${apiUrl}. Start it: npx clerk-sync stand-in`, { cause });
  });
  if (!ok) return undefined;

  const post = async (path, body) => {
    const response = await fetch(`${apiUrl}/v1${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${secretKey}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const answer = await response.json();
    const [error] = answer.errors ?? [];
    if (!response.ok)
      throw Object.assign(new Error(error?.long_message ?? error?.message), { status: response.status });
    return answer;
  };
  const newToken = async (sessionId, request) => {
    const claims = { azp: `${request.protocol}://${request.get('host')}` };
    return (await post(`/sessions/${sessionId}/tokens`, { claims })).jwt;
  };

  const router = express.Router();
  router.get('/sign-up', (_request, response) => response.send(signUpPage()));
  router.post('/sign-up', express.urlencoded({ extended: false }), async (request, response) => {
    const { firstName, lastName, email } = request.body ?? {};
    try {
      const user = await post('/users', {
        first_name: firstName,
        last_name: lastName,
        email_address: [email],
      });
      const signedInAtSeconds = Math.floor(Date.now() / 1000);
      const session = await post('/sessions', { user_id: user.id });
      setCookie(response, OWN_COOKIE, session.id);
      setCookie(response, '__session', await newToken(session.id, request));
      setCookie(response, '__client_uat', signedInAtSeconds);
      setCookie(response, '__clerk_db_jwt', 'stand-in');
      response.redirect(303, '/me');
    } catch (error) {
      const problem = error.status ? error.message : 'Clerk is down.';
      response.status(error.status ?? 503).send(signUpPage(problem, request.body));
    }
  });
  router.post('/sign-out', async (request, response) => {
    const { [OWN_COOKIE]: sessionId } = cookiesOf(request);
    if (sessionId) await post(`/sessions/${sessionId}/revoke`, {}).catch(() => undefined);
    for (const name of [OWN_COOKIE, '__session', '__client_uat']) response.clearCookie(name);
    response.redirect(303, '/me');
  });

  router.use(async (request, response, next) => {
    const cookies = cookiesOf(request);
    if (cookies[OWN_COOKIE] && !isFresh(cookies.__session)) {
      try {
        cookies.__session = await newToken(cookies[OWN_COOKIE], request);
        setCookie(response, '__session', cookies.__session);
      } catch {
        // The session ended, or the stand-in is down. Clerk's middleware would now send the browser to Clerk's
        // pages to have the token renewed; without the cookies it takes the request as signed out.
        delete cookies.__session;
        delete cookies.__client_uat;
      }
    }
    // What marks a browser at an instance with a test key. Without it Clerk's middleware sends pages to Clerk's too.
    cookies.__clerk_db_jwt ??= 'stand-in';
    request.headers.cookie = Object.entries(cookies)
      .map((pair) => pair.join('='))
      .join('; ');
    next();
  });
  return router;
}

const setCookie = (response, name, value) =>
  response.cookie(name, String(value), { httpOnly: true, sameSite: 'lax' });

const cookiesOf = ({ headers }) =>
  Object.fromEntries(
    (headers.cookie ?? '').split('; ').flatMap((pair) => {
      const at = pair.indexOf('=');
      return at > 0 ? [[pair.slice(0, at), pair.slice(at + 1)]] : [];
    }),
  );

function isFresh(token = '') {
  try {
    const { exp } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    return exp * 1000 - Date.now() > RENEW_BEFORE_MS;
  } catch {
    return false;
  }
}
