// Runs a checker of Clerk's contract (its first argument) against `clerk-sync stand-in`: the Backend API, and the
// webhooks of sign-ups, changes, deletions and sign-ins.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Ajv } from 'ajv';

const EVENT_TYPES = ['user.created', 'user.updated', 'user.deleted', 'session.created'];
const DEADLINE_MS = 30_000;

const [checker] = process.argv.slice(2);
if (!checker) throw new Error('usage: node .ci/check-contract.mjs CHECKER');
const folder = await mkdtemp(path.join(tmpdir(), 'check-contract-'));
const bodies = [];
const receiver = createServer(async (request, response) => {
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) body += chunk;
  bodies.push(body);
  response.writeHead(204).end();
}).listen(0, '127.0.0.1');
await once(receiver, 'listening');

const standIn = spawn(
  process.execPath,
  [
    ...['bin/clerk-sync.js', 'stand-in', '--port', '0', '--users', '100'],
    ...['--webhook-url', `http://127.0.0.1:${receiver.address().port}`],
  ],
  { stdio: ['ignore', 'pipe', 'inherit'] },
);
process.once('exit', () => standIn.kill('SIGKILL'));
const ended = once(standIn, 'exit');
try {
  const { CLERK_API_URL: api, CLERK_SECRET_KEY: key } = await printedSettings(standIn.stdout);
  await useApi(api, key);
  await until(() => EVENT_TYPES.every((type) => types().includes(type)), `webhooks of ${EVENT_TYPES}`);
  const events = path.join(folder, 'events.jsonl');
  const [ofSessions, others] = [bodies.filter(isOfSession), bodies.filter((body) => !isOfSession(body))];
  await writeFile(events, `${others.join('\n')}\n`);
  const checkerArguments = [checker, '--api', api, '--secret-key', key, '--events', events];
  const { status } = spawnSync(process.execPath, checkerArguments, { stdio: 'inherit' });
  if (status !== 0) throw new Error(`the checker ended with ${status}`);
  await checkSessions(ofSessions);

  standIn.kill('SIGINT');
  const [code, signal] = await Promise.race([ended, setTimeout(DEADLINE_MS, ['no end'], { ref: false })]);
  if (code !== 0) throw new Error(`after SIGINT the stand-in ended with ${signal ?? code}`);
} finally {
  standIn.kill('SIGKILL');
  receiver.close();
  receiver.closeAllConnections();
  await rm(folder, { recursive: true, force: true });
}

async function printedSettings(stdout) {
  let text = '';
  stdout.setEncoding('utf8').on('data', (chunk) => {
    text += chunk;
  });
  const settings = () => Object.fromEntries([...text.matchAll(/^(\w+)=(.+)$/gm)].map(([, ...pair]) => pair));
  await until(() => settings().CLERK_WEBHOOK_SIGNING_SECRET, 'the settings that the stand-in prints');
  return settings();
}

/** Three people sign up; one of them changes, one signs in, one leaves. */
async function useApi(api, key) {
  const request = async (method, route, body) => {
    const response = await fetch(`${api}/v1${route}`, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${method} ${route}: ${response.status} ${await response.text()}`);
    return response.json();
  };
  const signUp = (name) =>
    request('POST', '/users', { first_name: name, email_address: [`${name}@example.com`] });
  const [changing, visiting, leaving] = [await signUp('ada'), await signUp('grace'), await signUp('mary')];
  await request('PATCH', `/users/${changing.id}`, { last_name: 'Lovelace' });
  await request('PATCH', `/users/${changing.id}/metadata`, { public_metadata: { plan: 'pro' } });
  await request('POST', `/users/${changing.id}/ban`);
  await request('POST', '/sessions', { user_id: visiting.id });
  await request('DELETE', `/users/${leaving.id}`);
}

/**
 * Clerk's schema of session events demands `user` beside the session's fields and allows nothing beside them, so that no
 * event can match. The two halves can.
 */
async function checkSessions(events) {
  const { schemas } = JSON.parse(await readFile(path.join(path.dirname(checker), 'schemas.json'), 'utf8'));
  const ajv = new Ajv({ schemas, strict: false, allErrors: true, validateFormats: false });
  for (const { type, data } of events.map((body) => JSON.parse(body))) {
    const { user, ...session } = data;
    for (const [name, value] of Object.entries({ 'wh.Session': session, 'wh.User': user })) {
      const matches = ajv.getSchema(name);
      if (!matches(value)) throw new Error(`${type} and Clerk's ${name}: ${ajv.errorsText(matches.errors)}`);
    }
    process.stdout.write(`ok   ${type} is a session and its user\n`);
  }
}

function isOfSession(body) {
  return JSON.parse(body).type.startsWith('session.');
}

function types() {
  return bodies.map((body) => JSON.parse(body).type);
}

async function until(condition, what) {
  const deadline = performance.now() + DEADLINE_MS;
  while (!condition()) {
    if (standIn.exitCode !== null) throw new Error(`the stand-in ended with ${standIn.exitCode}`);
    if (performance.now() > deadline) throw new Error(`waited ${DEADLINE_MS / 1000} s in vain for ${what}`);
    await setTimeout(20);
  }
}
