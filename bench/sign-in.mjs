// What the sign-in middleware adds to a request: for a session that it knows, and for users who come for the first time.
import { once } from 'node:events';
import http from 'node:http';
import { parseArgs } from 'node:util';
import { clerkMiddleware } from '@clerk/express';
import express from 'express';
import { createClerkApi } from '../dist/clerk/clerk-api.js';
import { connectDatabase } from '../dist/db/database.js';
import { getSyncedUser } from '../dist/sign-in/get-synced-user.js';
import { syncOnSignIn } from '../dist/sign-in/sync-on-sign-in.js';
import { createSessionVerifier } from '../dist/sign-in/verify-session.js';
import { PAGE, startClerk } from './clerk.mjs';
import { closing } from './closing.mjs';
import { atMost, printMachine, printTable } from './print.mjs';
import { startServers } from './servers.mjs';

/** Requests of one user at a time that are under way. */
const PARALLEL = 10;
/** Whose times are not counted: the first ones open connections and load code. */
const WARM_UP = 20;

export default async function signIn(args) {
  const { values } = parseArgs({
    args,
    options: {
      users: { type: 'string', default: '500' },
      requests: { type: 'string', default: '20000' },
      latency: { type: 'string', default: '20' },
    },
  });
  const [users, requests, latencyMs] = [values.users, values.requests, values.latency].map(Number);
  printMachine();
  await closing(async (later) => {
    const servers = later(await startServers());
    const clerk = later(await startClerk(users * 2 + WARM_UP));
    const database = later(await servers.database('sign_in'));
    const db = connectDatabase({ url: database.url, poolSize: 10 });
    later({ stop: () => db.$disconnect() });
    const ids = await idsOf(clerk, users + WARM_UP);
    const jwtKey = await clerk.jwtKey();
    const tokens = new Map();
    for (const id of ids) tokens.set(id, await clerk.sessionToken(id));
    const start = async (options) => later(await startApplication({ clerk, db, jwtKey }, options));

    await clerk.set({ latencyMs });
    const application = await start();
    const made = await measureNewUsers({ application, clerk, ids, tokens });
    await clerk.set({ latencyMs: 0 });

    // A process that knows nobody yet, as after a deployment.
    const another = await start();
    for (const id of ids) await another.get(tokens.get(id));
    const found = another.times().slice(WARM_UP);

    const known = await measureKnown(application, tokens.get(ids[0]), requests);
    const verifySession = createSessionVerifier({ jwtKey });
    const alone = await measureKnown(await start({ verifySession }), tokens.get(ids[0]), requests);
    report({ users, requests, latencyMs, made, found, known, alone });
  });
}

/** One user after the other, as if each were alone. */
async function measureNewUsers({ application, clerk, ids, tokens }) {
  const before = await clerk.requests();
  for (const id of ids) {
    const { clerkId } = await application.get(tokens.get(id));
    if (clerkId !== id) throw new Error(`${id} got no row.`);
  }
  const requests = (await clerk.requests()) - before;
  const times = application.times().slice(WARM_UP);
  // The first request was for the instance.
  const inClerk = application.inClerk().slice(1 + WARM_UP);
  return { times, inClerk, added: times.map((ms, at) => ms - inClerk[at]), requests, users: ids.length };
}

async function measureKnown(application, token, requests) {
  for (let warm = 0; warm < requests / 10; warm++) await application.get(token);
  application.times();
  let left = requests;
  const run = async () => {
    while (left-- > 0) await application.get(token);
  };
  await Promise.all(Array.from({ length: PARALLEL }, run));
  return application.times();
}

/** Express and Clerk's middleware, or ours alone; the time is taken from when ours is called to when it calls `next`. */
async function startApplication({ clerk, db, jwtKey }, options = {}) {
  const { url: apiUrl, secretKey, env } = clerk;
  const api = createClerkApi({ secretKey, apiUrl });
  const inClerk = [];
  const timed = {
    ...api,
    async get(...asked) {
      const begunAtMs = performance.now();
      const answer = await api.get(...asked);
      inClerk.push(performance.now() - begunAtMs);
      return answer;
    },
  };
  const middleware = syncOnSignIn({ db, clerk: timed, clerkRequestsPerSecond: 10_000, ...options });
  let times = [];
  const app = express();
  if (options.verifySession === undefined) {
    const { CLERK_PUBLISHABLE_KEY: publishableKey } = env;
    app.use(clerkMiddleware({ secretKey, publishableKey, jwtKey, apiUrl }));
  }
  app.use((request, response, next) => {
    const begunAtMs = performance.now();
    middleware(request, response, (error) => {
      times.push(performance.now() - begunAtMs);
      next(error);
    });
  });
  app.get('/me', (request, response) => response.json({ clerkId: getSyncedUser(request)?.clerkId }));
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const agent = new http.Agent({ keepAlive: true });
  return {
    get: (token) => getJson(agent, server.address().port, token),
    /** How long each request to Clerk took, milliseconds. */
    inClerk: () => inClerk,
    /** What was measured since the last time this was asked, milliseconds. */
    times() {
      const measured = times;
      times = [];
      return measured;
    },
    async stop() {
      agent.destroy();
      server.close();
      server.closeAllConnections();
    },
  };
}

function getJson(agent, port, token) {
  return new Promise((resolve, reject) => {
    const request = http.get(
      { host: '127.0.0.1', port, path: '/me', agent, headers: { authorization: `Bearer ${token}` } },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (part) => {
          text += part;
        });
        response.on('end', () => {
          if (response.statusCode === 200) resolve(JSON.parse(text));
          else reject(new Error(`GET /me: ${response.statusCode} ${text}`));
        });
      },
    );
    request.on('error', reject);
  });
}

/** Users who may sign in: some of the stand-in's are banned or locked. */
async function idsOf(clerk, most) {
  const ids = [];
  for (let offset = 0; ids.length < most; offset += PAGE) {
    const page = JSON.parse(await clerk.list({ limit: String(PAGE), offset: String(offset) }));
    if (page.length === 0) throw new Error(`Fewer than ${most} users may sign in.`);
    ids.push(...page.filter((user) => !user.banned && !user.locked).map((user) => user.id));
  }
  return ids.slice(0, most);
}

function report({ users, requests, latencyMs, made, found, known, alone }) {
  const row = (what, times) => [
    what,
    ...[0.5, 0.9, 0.99].map((share) => percentile(times, share).toFixed(3)),
  ];
  printTable(
    ['milliseconds in the middleware', 'p50', 'p90', 'p99'],
    [
      row(`known session, after Clerk's middleware, ${requests} requests, ${PARALLEL} at a time`, known),
      row('known session, alone: it verifies the token itself', alone),
      row(`new session, row there, ${users} users`, found),
      row(`new user, Clerk takes ${latencyMs} ms`, made.times),
      row('of these, in the request to Clerk', made.inClerk),
      row('so that the rest is', made.added),
    ],
  );
  console.log(`
Known session, p99: ${atMost(0.2, percentile(known, 0.99))} ms
New user, on top of Clerk's answer, p50: ${atMost(5, percentile(made.added, 0.5))} ms, p99: ${atMost(5, percentile(made.added, 0.99))} ms
Clerk requests for ${made.users} new users, the instance's included: ${atMost(made.users + 1, made.requests)}`);
}

function percentile(numbers, share) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}
