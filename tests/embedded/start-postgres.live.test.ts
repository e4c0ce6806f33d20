import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Client } from 'pg';
import { isAlive } from '../../dist/embedded/is-alive.js';
import {
  type EmbeddedPostgres,
  type StartPostgresOptions,
  startPostgres,
} from '../../dist/embedded/start-postgres.js';
import { waitUntil } from '../support/wait-until.js';
import { runScript } from './run-script.js';
import { makeTemporaryFolder, type TemporaryFolder } from './temporary-folder.js';

const run = promisify(execFile);

/** With a data folder that was made once, for initdb takes longer than most tests. */
let made: TemporaryFolder;
let folder: TemporaryFolder;
/** A copy of it, unless a test removes that first. */
let dataFolder: string;
let started: EmbeddedPostgres[];
let messages: string[] = [];

beforeAll(async () => {
  made = await makeTemporaryFolder();
  const postgres = await startPostgres({ ...options(), ...filesIn(made) });
  await postgres.stop();
});
afterAll(() => made.remove());
beforeEach(async () => {
  folder = await makeTemporaryFolder();
  ({ dataFolder } = filesIn(folder));
  // With its owner, who is not root.
  await run('cp', ['-a', path.join(made.path, 'data'), dataFolder]);
  started = [];
  messages = [];
});
afterEach(async () => {
  await Promise.all(started.map((postgres) => postgres.stop()));
  await folder.remove();
});

const filesIn = ({ path: root }: TemporaryFolder) => ({
  dataFolder: path.join(root, 'data'),
  logFile: path.join(root, 'postgres.log'),
});
const options = (): Omit<StartPostgresOptions, 'dataFolder' | 'logFile'> => ({
  port: 0,
  durable: false,
  startTimeoutMs: 300_000,
  log: (message) => messages.push(message),
});

async function start(more: Partial<StartPostgresOptions> = {}): Promise<EmbeddedPostgres> {
  const postgres = await startPostgres({ ...options(), ...filesIn(folder), ...more });
  started.push(postgres);
  return postgres;
}

async function query(url: string, ...statements: string[]): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    let rows: Record<string, unknown>[] = [];
    for (const statement of statements) ({ rows } = await client.query(statement));
    return rows;
  } finally {
    await client.end();
  }
}

/** A Postgres that a process of its own started. */
const startElsewhere = () =>
  runScript<{ pid: number }>(
    'startPostgres',
    `const { pid } = await startPostgres(${JSON.stringify({ ...options(), ...filesIn(folder) })});
     console.log(JSON.stringify({ pid }));
     setInterval(() => {}, 1000);`,
  );

const hasEnded = (pid: number) => waitUntil(() => !isAlive(pid), { describe: `the end of process ${pid}` });

describe('a started Postgres', () => {
  test('accepts connections, orders texts by code point and folds the case of every script', async () => {
    const postgres = await start();
    const rows = await query(
      postgres.url(),
      `SELECT name FROM (VALUES ('b'), ('B'), ('ä'), ('a')) AS names (name) ORDER BY name`,
    );
    expect(rows.map(({ name }) => name)).toEqual(['B', 'a', 'b', 'ä']);
    expect(await query(postgres.url(), `SELECT lower('ÄΩ') AS lower`)).toEqual([{ lower: 'äω' }]);
  });

  test('keeps its data and its connection string over a restart', async () => {
    const first = await start();
    await query(first.url(), 'CREATE TABLE kept (id int)', 'INSERT INTO kept VALUES (7)');
    await first.stop();
    const second = await start({ port: first.port });
    expect(await query(second.url(), 'SELECT id FROM kept')).toEqual([{ id: 7 }]);
    expect(second.url()).toBe(first.url());
  });

  test('refuses a wrong password', async () => {
    const url = new URL((await start()).url());
    url.password = 'postgres';
    await expect(query(url.href, 'SELECT 1')).rejects.toThrow('password authentication failed');
  });

  test('has ended once stop() has', async () => {
    const postgres = await start();
    await postgres.stop();
    expect(isAlive(postgres.pid)).toBe(false);
  });

  test('takes another port when something listens on the preferred one', async () => {
    const occupant = createServer().listen(0, '127.0.0.1');
    await once(occupant, 'listening');
    const { port } = occupant.address() as { port: number };
    const postgres = await start({ port });
    expect(postgres.port).not.toBe(port);
    await query(postgres.url(), 'SELECT 1');
    occupant.close();
  });

  test('tells when it dies though nobody stopped it', async () => {
    const deaths: Error[] = [];
    const postgres = await start({ onDeath: (error) => deaths.push(error) });
    process.kill(postgres.pid, 'SIGKILL');
    await waitUntil(() => deaths.length > 0, { describe: 'onDeath' });
    expect(deaths[0]?.message).toContain('Postgres ended unexpectedly: it was ended by SIGKILL');
  });
});

describe('Postgres and the process that started it', () => {
  test('Postgres ends when that process is killed with SIGKILL', async () => {
    const parent = await startElsewhere();
    await parent.kill('SIGKILL');
    await hasEnded(parent.printed.pid);
    expect(existsSync(path.join(dataFolder, 'postmaster.pid'))).toBe(false);
  });

  test('Ctrl-C in the terminal does not reach Postgres', async () => {
    const parent = await startElsewhere();
    const groupOf = async (pid: number) =>
      (await run('ps', ['-o', 'pgid=', '-p', String(pid)])).stdout.trim();
    expect(await groupOf(parent.printed.pid)).not.toBe(await groupOf(parent.pid));
    await parent.kill('SIGINT');
    await hasEnded(parent.printed.pid);
  });

  test('a process that forgot to stop Postgres still ends, and Postgres with it', async () => {
    const { printed, exited } = await runScript<{ pid: number }>(
      'startPostgres',
      `const { pid } = await startPostgres(${JSON.stringify({ ...options(), ...filesIn(folder) })}); console.log(JSON.stringify({ pid }));`,
    );
    expect(await exited).toBe(0);
    await hasEnded(printed.pid);
  });
});

describe('a data folder', () => {
  const thereIsNone = () => rm(dataFolder, { recursive: true });

  test('that is not there is made', async () => {
    await thereIsNone();
    await query((await start()).url(), 'SELECT 1');
  });

  test('that an interrupted initdb left is made anew, and what was there is kept aside', async () => {
    await thereIsNone();
    await Promise.all(
      ['base', 'global', 'pg_wal'].map((name) => mkdir(path.join(dataFolder, name), { recursive: true })),
    );
    await writeFile(path.join(dataFolder, 'PG_VERSION'), '18\n');
    await query((await start()).url(), 'SELECT 1');
    expect(messages.join()).toContain('was incomplete');
    expect(await readdir(folder.path)).toContainEqual(expect.stringMatching(/^data\.incomplete-\d+$/));
  });

  test('that was being made when its maker was killed leaves nothing behind', async () => {
    await thereIsNone();
    const maker = await run(process.execPath, ['-p', 'process.pid']);
    await mkdir(path.join(`${dataFolder}.new-${maker.stdout.trim()}`, 'data'), { recursive: true });
    await start();
    expect((await readdir(folder.path)).sort()).toEqual(['data', 'postgres.log']);
  });

  test('with files of another program is refused and left as it is', async () => {
    await thereIsNone();
    await mkdir(dataFolder);
    await writeFile(path.join(dataFolder, 'thesis.txt'), 'irreplaceable');
    await expect(start()).rejects.toThrow('holds something other than');
    expect(await readdir(dataFolder)).toEqual(['thesis.txt']);
  });

  test('in use by another process is refused, and that Postgres goes on', async () => {
    const postgres = await start();
    await expect(start()).rejects.toThrow(
      `another clerk-temporal-sync runs its Postgres (pid ${postgres.pid})`,
    );
    await query(postgres.url(), 'SELECT 1');
  });

  test('whose Postgres outlived its keeper is taken over', async () => {
    const parent = await startElsewhere();
    const { pid } = parent.printed;
    const keeper = Number((await run('ps', ['-o', 'ppid=', '-p', String(pid)])).stdout);
    // Stopped, it cannot act on the keeper's death before it is killed too: as when all of them lose a power cut.
    process.kill(parent.pid, 'SIGSTOP');
    process.kill(keeper, 'SIGKILL');
    await parent.kill('SIGKILL');
    expect(isAlive(pid)).toBe(true);
    await query((await start()).url(), 'SELECT 1');
    await hasEnded(pid);
    expect(messages.join()).toContain(`Stopping Postgres ${pid}`);
  });

  test('whose pid file names a process that is no Postgres starts', async () => {
    await (await start()).stop();
    await writeFile(path.join(dataFolder, 'postmaster.pid'), `${process.pid}\n${dataFolder}\n`);
    await query((await start()).url(), 'SELECT 1');
    expect(messages.join()).toContain(`Process ${process.pid} is no Postgres`);
  });

  test('whose pid file names some other Postgres is left to Postgres, which refuses it', async () => {
    await (await start()).stop();
    const other = await startPostgres({
      ...options(),
      ...filesIn(folder),
      dataFolder: `${dataFolder}-other`,
    });
    started.push(other);
    await writeFile(path.join(dataFolder, 'postmaster.pid'), `${other.pid}\n${dataFolder}\n`);
    await expect(start()).rejects.toThrow('lock file "postmaster.pid" already exists');
    await query(other.url(), 'SELECT 1');
  });
});

test('a setting that Postgres refuses is reported with the tail of its log', async () => {
  await expect(start({ settings: { shared_buffers: 'plenty' } })).rejects.toThrow(
    /Postgres did not start: it exited with code 1\. .*invalid value for parameter "shared_buffers"/s,
  );
});
