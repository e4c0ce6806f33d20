// Proves the promise of the README on a fresh clone: `npm start`, and Clerk's users are in Postgres; Ctrl-C, and nothing
// is left running and nothing in the checkout has changed. HOME is an empty folder, so that no cache helps.
import { execFileSync, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import pg from 'pg';

const START_DEADLINE_MS = 300_000;
const USERS_DEADLINE_MS = 60_000;
const STOP_DEADLINE_MS = 60_000;
const POLL_MS = 50;

const say = (text) => process.stdout.write(`${text}\n`);
const startedMs = performance.now();
const seconds = () => ((performance.now() - startedMs) / 1000).toFixed(1);

const folder = await mkdtemp(path.join(tmpdir(), 'check-start-'));
const checkout = path.join(folder, 'clone');
const home = path.join(folder, 'home');
let output = '';
let service;
let family = new Map();
try {
  await mkdir(home);
  // Started by root, Postgres becomes another user, who has to pass.
  execFileSync('chmod', ['755', folder]);
  execFileSync('git', ['clone', '--quiet', '--no-hardlinks', process.cwd(), checkout]);
  service = startService();
  await usersArrive(await printed(/^ *Database +(\S+)$/m), await clerkOfService());
  await stopsCleanly();
  const changes = execFileSync('git', ['status', '--porcelain'], { cwd: checkout, encoding: 'utf8' });
  if (changes) throw new Error(`the checkout has changed:\n${changes}`);
} catch (error) {
  say(`npm start on a fresh clone: ${error.message}\n--- the end of its output ---\n${output.slice(-4_000)}`);
  process.exitCode = 1;
} finally {
  if (service) family = new Map([...family, ...descendants(service.pid)]);
  for (const pid of family.keys()) if (isRunning(pid)) process.kill(pid, 'SIGKILL');
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}

function startService() {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('XDG_')));
  // A group of its own, so that all of it can be ended together.
  const npm = spawn('npm', ['start'], {
    cwd: checkout,
    detached: true,
    env: { ...env, HOME: home, PORT: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise((resolve) => {
    npm.once('exit', (code, signal) => resolve(signal ?? code));
    npm.once('error', (error) => resolve(error.message));
  });
  for (const stream of [npm.stdout, npm.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
  }
  process.once('exit', () => killGroup(npm.pid));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));
  return { pid: npm.pid, ended };
}

/** The servers see their service gone, and end too. */
function killGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

/** @returns what the pattern's group matched in the service's output. */
async function printed(pattern) {
  let end;
  service.ended.then((how) => {
    end = how;
  });
  const deadline = performance.now() + START_DEADLINE_MS;
  while (performance.now() < deadline) {
    const [, found] = pattern.exec(output) ?? [];
    if (found) return found;
    if (end !== undefined) throw new Error(`it ended with ${end} before it printed ${pattern}`);
    await setTimeout(POLL_MS);
  }
  throw new Error(`it did not print ${pattern} within ${START_DEADLINE_MS / 1000} s`);
}

/** @returns how many users the stand-in for Clerk has. */
async function clerkOfService() {
  const [url, key] = [await printed(/^ *Clerk +(\S+)/m), await printed(/key (sk_test_\w+)\)/)];
  const response = await fetch(`${url}/v1/users/count`, { headers: { authorization: `Bearer ${key}` } });
  return (await response.json()).total_count;
}

async function usersArrive(databaseUrl, clerkUsers) {
  const database = new pg.Client({ connectionString: databaseUrl });
  await database.connect();
  let first = false;
  try {
    const deadline = performance.now() + USERS_DEADLINE_MS;
    while (performance.now() < deadline) {
      // Once all are there the first begin to leave; their rows stay, as tombstones.
      const { rows } = await database.query(
        'SELECT count(*)::int AS rows, count(*) FILTER (WHERE deleted_at IS NULL)::int AS live FROM users',
      );
      const [{ rows: total, live }] = rows;
      if (live > 0 && !first) {
        first = true;
        say(`npm start on a fresh clone: the first row is there after ${seconds()} s`);
      }
      if (total >= clerkUsers) return say(`all ${clerkUsers} users are there after ${seconds()} s`);
      await setTimeout(POLL_MS);
    }
  } finally {
    await database.end();
  }
  throw new Error(`not all of Clerk's ${clerkUsers} users came within ${USERS_DEADLINE_MS / 1000} s`);
}

async function stopsCleanly() {
  family = descendants(service.pid);
  const commands = [...family.values()].join('\n');
  for (const name of ['postgres', 'temporal']) {
    if (!commands.includes(name)) throw new Error(`no ${name} runs among its processes:\n${commands}`);
  }
  const [main] = [...family].find(([, command]) => /^\S*node \S*scripts\/start\.mjs$/.test(command)) ?? [];
  if (main === undefined) throw new Error(`the service is not among its processes:\n${commands}`);
  const askedMs = performance.now();
  // Not npm too, as a terminal would: it hides how its child ended behind the signal it got itself.
  process.kill(main, 'SIGINT');
  const late = setTimeout(STOP_DEADLINE_MS, 'no end', { ref: false });
  const how = await Promise.race([service.ended, late]);
  if (how !== 0) throw new Error(`after Ctrl-C it ended with ${how}`);
  const left = [...family].filter(([pid]) => isRunning(pid)).map(([pid, command]) => `${pid} ${command}`);
  if (left.length > 0) throw new Error(`after Ctrl-C these still run:\n${left.join('\n')}`);
  const stopSeconds = ((performance.now() - askedMs) / 1000).toFixed(1);
  say(`Ctrl-C ended it and its ${family.size} processes in ${stopSeconds} s`);
}

/** @returns the process and all that it started, by pid, with their command lines. */
function descendants(root) {
  const all = processes();
  const found = new Map();
  const visit = (pid) => {
    const known = all.get(pid);
    if (!known) return;
    found.set(pid, known.command);
    for (const [child, { parentPid }] of all) if (parentPid === pid) visit(child);
  };
  visit(root);
  return found;
}

function isRunning(pid) {
  return processes().has(pid);
}

/** Without those that have ended and only wait to be noticed. */
function processes() {
  const lines = execFileSync('ps', ['-A', '-ww', '-o', 'pid=,ppid=,stat=,args='], { encoding: 'utf8' });
  return new Map(
    [...lines.matchAll(/^ *(\d+) +(\d+) +([^Z\s]\S*) +(.*)$/gm)].map(([, pid, parentPid, , command]) => [
      Number(pid),
      { parentPid: Number(parentPid), command },
    ]),
  );
}
