// The Clerk stand-in as a process of its own, and what a benchmark asks of it.
import { startProcess } from './processes.mjs';

export const PAGE = 500;

/** Without any limit of its own, unless `settings` says so. */
export async function startClerk(users, settings = {}) {
  const standIn = await startProcess(
    ['stand-in', '--port', '0', '--users', String(users)],
    {},
    /^CLERK_WEBHOOK/,
  );
  const env = Object.fromEntries(standIn.lines.map((line) => line.split(/=(.*)/, 2)));
  const { CLERK_API_URL: url, CLERK_SECRET_KEY: secretKey } = env;
  const headers = { authorization: `Bearer ${secretKey}` };
  const send = async (path, { method = 'GET', body } = {}) => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text;
  };
  const set = (patch) => send('/stand-in/settings', { method: 'PATCH', body: patch });
  await set({ rateLimit: null, userWriteLimit: null, ...settings });
  return {
    env,
    url,
    secretKey,
    users,
    pid: standIn.pid,
    set,
    /** @returns a page of the list as the text that came. */
    list: (query) => send(`/v1/users?${new URLSearchParams(query)}`),
    create: (body) => send('/v1/users', { method: 'POST', body }),
    remove: (id) => send(`/v1/users/${id}`, { method: 'DELETE' }),
    change: (id, body) => send(`/v1/users/${id}`, { method: 'PATCH', body }),
    /** Begins a session, which moves a user's `last_sign_in_at`. */
    signIn: (userId) => send('/v1/sessions', { method: 'POST', body: { user_id: userId } }),
    /** The public key that verifies session tokens. */
    jwtKey: async () => JSON.parse(await send('/stand-in/status')).jwtKey,
    /** @returns the token of a new session, which holds for an hour. */
    async sessionToken(userId) {
      const session = await send('/v1/sessions', { method: 'POST', body: { user_id: userId } });
      const path = `/v1/sessions/${JSON.parse(session).id}/tokens`;
      return JSON.parse(await send(path, { method: 'POST', body: { expires_in_seconds: 3600 } })).jwt;
    },
    /** How many requests to Clerk's API it has answered. */
    requests: async () => JSON.parse(await send('/stand-in/status')).requests.total,
    stop: standIn.stop,
  };
}
