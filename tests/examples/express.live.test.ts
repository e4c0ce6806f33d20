import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { type StandIn, startStandIn } from '../../src/clerk-stand-in/start-stand-in.js';
import { type ApplicationProject, createApplicationProject } from '../package/packed-package.js';
import { startTestStarter, type TestStarter } from '../starter/start-test-starter.js';
import { connectedDatabase } from '../support/connected-database.js';
import { waitUntil } from '../support/wait-until.js';
import { type Answer, Browser } from './browser.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const EXAMPLE = path.join(ROOT, 'examples', 'express');
const API_TOKEN = 'an-operators-token-of-32-characters-or-more';
const ADA = { firstName: 'Ada <b>', lastName: 'O\'Hara & "Co"' };

const connected = connectedDatabase();
const running = new Set<ChildProcess>();
const handedOver: string[] = [];
let project: ApplicationProject;
let standIn: StandIn;
let starter: TestStarter;
let example: RunningExample;

beforeAll(async () => {
  standIn = await startStandIn({ rateLimit: null });
  starter = await startTestStarter({
    sync: {
      syncUserNow: async (clerkUserId) => {
        handedOver.push(clerkUserId);
        return { kind: 'failed', code: 'CLERK_UNAVAILABLE', kept: true, detail: '' };
      },
      readUser: async () => null,
      verifySession: undefined,
      apiToken: API_TOKEN,
      corsOrigins: [],
    },
  });
  // The example beside the package as it is published; Express and Clerk's SDK come from our node_modules.
  project = createApplicationProject('module');
  cpSync(EXAMPLE, project.folder, {
    recursive: true,
    filter: (file) => !path.relative(EXAMPLE, file).startsWith('node_modules'),
  });
  example = await startExample();
});
afterEach(() => {
  standIn.settings.failures = [];
});
afterAll(async () => {
  for (const child of running) {
    const closed = once(child, 'close');
    child.kill('SIGKILL');
    await closed;
  }
  project?.remove();
  await starter?.stop();
  await standIn?.stop();
});

interface RunningExample {
  url: string;
  output(): string;
  /** @returns the exit code. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

async function startExample(env: Record<string, string> = {}): Promise<RunningExample> {
  const child = spawn(process.execPath, ['server.js'], {
    cwd: project.folder,
    env: {
      PATH: process.env.PATH ?? '',
      PORT: '0',
      CLERK_TELEMETRY_DISABLED: '1',
      DATABASE_URL: connected.database.url,
      CLERK_SECRET_KEY: standIn.secretKey,
      CLERK_PUBLISHABLE_KEY: standIn.publishableKey,
      CLERK_JWT_KEY: standIn.jwtKey.replaceAll('\n', '\\n'),
      CLERK_API_URL: standIn.url,
      STARTER_URL: starter.url,
      STARTER_API_TOKEN: API_TOKEN,
      ...env,
    },
  });
  running.add(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  const exited = once(child, 'close').then(([code]): number | null => {
    running.delete(child);
    return code;
  });
  const url = () => /^Listening at (\S+)$/m.exec(output)?.[1];
  await waitUntil(() => url() ?? child.exitCode !== null, { describe: () => output });
  if (child.exitCode !== null) throw new Error(`It ended with ${await exited}: ${output}`);
  return {
    url: url() ?? '',
    output: () => output,
    end(signal) {
      child.kill(signal);
      return exited;
    },
  };
}

let users = 0;
/** Signs up by the form. The stand-in sends no webhook, so that no other writer makes the row. */
async function signUp(names = ADA): Promise<{ browser: Browser; email: string; id: string }> {
  const browser = new Browser(example.url);
  const email = `ada${++users}@example.com`;
  const { status, location, text } = await browser.post('/sign-up', { ...names, email });
  expect({ status, location, text }).toMatchObject({ status: 303, location: '/me' });
  return { browser, email, id: claimsOf(browser).sub };
}

/** Asks again while the row is not ready, as the page does that refreshes itself: a busy machine outlasts the time box. */
const onceReady = (ask: () => Promise<Answer>): Promise<Answer> =>
  waitUntil(
    async () => {
      const answer = await ask();
      return answer.status === 503 ? undefined : answer;
    },
    { describe: 'an answer with the row' },
  ).then((answer) => answer as Answer);
const pageOf = (browser: Browser) => onceReady(() => browser.get('/me'));

const claimsOf = (browser: Browser): { sub: string; sid: string } =>
  JSON.parse(Buffer.from(browser.cookies.get('__session')?.split('.')[1] ?? '', 'base64url').toString());

test('who signs up is redirected to their row, which is there before any webhook: as a page and as JSON', async () => {
  const { browser, email, id } = await signUp();
  const page = await pageOf(browser);
  expect(page.status).toBe(200);
  expect(page.text).toContain('Ada &lt;b&gt; O&#39;Hara &amp; &quot;Co&quot;');
  expect(page.text).not.toContain('<b>');
  expect(page.text).toContain(email);
  const row = await connected.db.user.findUniqueOrThrow({ where: { clerkId: id } });
  expect(row).toMatchObject({ syncedBy: 'sign-in', lastOutcome: 'created' });
  expect(page.text).toContain(`datetime="${row.clerkCreatedAt?.toISOString()}"`);
  expect(await browser.getJson('/api/me')).toMatchObject({
    status: 200,
    json: {
      id,
      name: 'Ada <b> O\'Hara & "Co"',
      email,
      createdAt: row.clerkCreatedAt?.toISOString(),
    },
  });
});

test('the first request asks Clerk once, those after it never', async () => {
  const { browser } = await signUp();
  const asked = () => standIn.stats.total;
  const before = asked();
  await pageOf(browser);
  // Another user's sign-up may already have asked for the instance.
  expect(asked() - before).toBeLessThanOrEqual(2);
  const afterFirst = asked();
  await browser.get('/me');
  await browser.getJson('/api/me');
  expect(asked()).toBe(afterFirst);
});

test('somebody signed out is shown where to sign in, not sent to Clerk, and gets 401 from the API', async () => {
  const browser = new Browser(example.url);
  expect(await browser.get('/')).toMatchObject({ status: 302, location: '/me' });
  const page = await browser.get('/me');
  expect(page.status).toBe(401);
  expect(page.text).toContain('href="/sign-up"');
  expect((await browser.get('/sign-up')).text).toContain('<form method="post" action="/sign-up">');
  expect(await browser.getJson('/api/me')).toMatchObject({ status: 401, json: { code: 'SIGNED_OUT' } });
});

test('signing out ends the session', async () => {
  const { browser } = await signUp();
  const sessionId = claimsOf(browser).sid;
  await browser.post('/sign-out');
  expect((await browser.get('/me')).status).toBe(401);
  const session = await fetch(`${standIn.url}/v1/sessions/${sessionId}`, {
    headers: { authorization: `Bearer ${standIn.secretKey}` },
  });
  expect(await session.json()).toMatchObject({ status: 'revoked' });
});

test('a user deleted before their first request gets no row: 401 from the API, and a page without one', async () => {
  const { browser, id } = await signUp();
  standIn.users.deleteUser(id);
  const refused = await onceReady(() => browser.getJson('/api/me'));
  expect(refused).toMatchObject({ status: 401, json: { code: 'USER_GONE' } });
  expect(await browser.get('/me')).toMatchObject({
    status: 503,
    text: expect.stringContaining('One moment'),
  });
  expect(await connected.db.user.findUnique({ where: { clerkId: id } })).toBeNull();
});

test('while Clerk is down, who is known is served; others are refused by the API, let on by pages, handed over, and served once it is back', async () => {
  const known = await signUp();
  await pageOf(known.browser);
  const fresh = await signUp();
  standIn.failWith({ kind: 'drop' });
  expect((await known.browser.get('/me')).text).toContain(known.email);
  expect(await fresh.browser.getJson('/api/me')).toMatchObject({
    status: 503,
    json: { code: 'USER_NOT_READY' },
  });
  expect(await fresh.browser.get('/me')).toMatchObject({
    status: 503,
    text: expect.stringContaining('http-equiv="refresh"'),
  });
  await waitUntil(() => handedOver.includes(fresh.id), { describe: 'the hand-over' });
  standIn.settings.failures = [];
  await waitUntil(async () => (await fresh.browser.get('/me')).text.includes(fresh.email), {
    describe: 'the row after Clerk came back',
  });
});

test('nobody signs up while Clerk is down, or with an address that it refuses, and the form says why', async () => {
  const browser = new Browser(example.url);
  const fields = { ...ADA, email: 'not an address' };
  const refused = await browser.post('/sign-up', fields);
  expect(refused.status).toBe(422);
  expect(refused.text).toContain('role="alert"');
  expect(refused.text).toContain('value="Ada &lt;b&gt;"');
  standIn.failWith({ kind: 'drop' });
  const down = await browser.post('/sign-up', { ...fields, email: 'ada@example.com' });
  expect(down).toMatchObject({ status: 503, text: expect.stringContaining('Clerk is down.') });
  expect(browser.cookies.has('__session')).toBe(false);
});

test('a token that ran out is renewed as long as the session lasts', async () => {
  const { browser, id, email } = await signUp();
  const { sid } = claimsOf(browser);
  const old = standIn.mintToken({ sub: id, sid, exp: Math.floor(Date.now() / 1000) - 30 });
  browser.cookies.set('__session', old);
  expect(await pageOf(browser)).toMatchObject({ status: 200, text: expect.stringContaining(email) });
  expect(browser.cookies.get('__session')).not.toBe(old);
  browser.cookies.set('__session', old);
  standIn.users.revokeSession(sid);
  expect(await browser.get('/me')).toMatchObject({ status: 401, location: null });
});

test('there is no form where CLERK_API_URL is not a stand-in', async () => {
  const proxy = createServer((_request, response) => response.writeHead(404).end()).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const address = proxy.address();
  if (address === null || typeof address === 'string') throw new Error('not listening on TCP');
  try {
    for (const apiUrl of [`http://127.0.0.1:${address.port}`, 'https://api.clerk.com']) {
      const other = await startExample({
        CLERK_API_URL: apiUrl,
        CLERK_SIGN_IN_URL: 'https://accounts.example.com/sign-in',
      });
      const browser = new Browser(other.url);
      expect((await browser.post('/sign-up', { ...ADA, email: 'ada@example.com' })).status).toBe(404);
      // As of a browser that Clerk's pages have marked before.
      browser.cookies.set('__clerk_db_jwt', 'x');
      expect((await browser.get('/me')).text).toContain('href="https://accounts.example.com/sign-in"');
      await other.end('SIGTERM');
    }
  } finally {
    proxy.close();
  }
});

test('a token made for another application of the instance is nobody here, where the setting names ours', async () => {
  const { id, email } = await signUp();
  const ours = 'https://app.example.com';
  const other = await startExample({ CLERK_AUTHORIZED_PARTIES: `https://www.example.com,${ours}` });
  const ask = (azp: string) => new Browser(other.url).getJson('/api/me', standIn.mintToken({ sub: id, azp }));
  expect(await ask('https://evil.example.com')).toMatchObject({ status: 401, json: { code: 'SIGNED_OUT' } });
  expect(await onceReady(() => ask(ours))).toMatchObject({ status: 200, json: { email } });
  await other.end('SIGTERM');
});

test('it stops when it is told to: with 0, though a browser is still connected', async () => {
  const other = await startExample();
  await new Browser(other.url).get('/me');
  expect(await other.end('SIGTERM')).toBe(0);
});

test('what is missing from the settings is said at once', async () => {
  await expect(startExample({ DATABASE_URL: '', CLERK_PUBLISHABLE_KEY: '' })).rejects.toThrow(
    'Set DATABASE_URL, CLERK_PUBLISHABLE_KEY;',
  );
});

test('no name or address of a user is in its log', async () => {
  await pageOf((await signUp()).browser);
  await waitUntil(() => example.output().includes('The row was made at sign-in'), {
    describe: example.output,
  });
  expect(example.output()).not.toMatch(/@example\.com|Ada|Hara/);
});

test('its README has the keys of the stand-in', () => {
  const readme = readFileSync(path.join(EXAMPLE, 'README.md'), 'utf8');
  expect(readme).toContain(`CLERK_SECRET_KEY=${standIn.secretKey}\n`);
  expect(readme).toContain(`CLERK_PUBLISHABLE_KEY=${standIn.publishableKey}\n`);
});

test('it names the versions that it is tested with, and is not published', () => {
  const read = (file: string) => JSON.parse(readFileSync(file, 'utf8'));
  const ours = read(path.join(ROOT, 'package.json'));
  expect(read(path.join(EXAMPLE, 'package.json')).dependencies).toEqual({
    '@clerk/express': ours.devDependencies['@clerk/express'],
    'clerk-temporal-sync': 'file:../..',
    express: ours.dependencies.express,
  });
  const published = path.join(project.folder, 'node_modules', 'clerk-temporal-sync');
  expect(existsSync(path.join(published, 'dist', 'index.js'))).toBe(true);
  expect(existsSync(path.join(published, 'examples'))).toBe(false);
});
