import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import { isAlive } from '../../dist/embedded/is-alive.js';
import {
  type EmbeddedTemporal,
  type StartTemporalOptions,
  startTemporal,
} from '../../dist/embedded/start-temporal.js';
import { SYNC_STATUS_ATTRIBUTE } from '../../src/names.js';
import { fromSetUp } from '../support/from-set-up.js';
import { waitUntil } from '../support/wait-until.js';
import { runScript } from './run-script.js';
import { makeTemporaryFolder, type TemporaryFolder } from './temporary-folder.js';

let folder: TemporaryFolder;
let started: EmbeddedTemporal[];

beforeEach(async () => {
  folder = await makeTemporaryFolder();
  started = [];
});
afterEach(async () => {
  await Promise.all(started.map((temporal) => temporal.stop()));
  await folder.remove();
});

const options = (): StartTemporalOptions => ({
  cliPath: fromSetUp('TEST_TEMPORAL_CLI'),
  port: 0,
  headless: true,
  logFile: path.join(folder.path, 'temporal.log'),
});

async function start(more: Partial<StartTemporalOptions> = {}): Promise<EmbeddedTemporal> {
  const temporal = await startTemporal({ ...options(), ...more });
  started.push(temporal);
  return temporal;
}

async function withClient<T>(
  address: string,
  namespace: string,
  use: (client: Client) => Promise<T>,
): Promise<T> {
  const connection = await Connection.connect({ address, connectTimeout: '2m' });
  try {
    return await use(new Client({ connection, namespace }));
  } finally {
    await connection.close();
  }
}

async function fakeCli(script: string): Promise<string> {
  const file = path.join(folder.path, 'temporal');
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
  return file;
}

test('once started it takes workflows in each namespace, with the SyncStatus attribute', async () => {
  const temporal = await start({ namespaces: ['second'] });
  for (const namespace of ['default', 'second']) {
    await withClient(temporal.address, namespace, (client) =>
      client.workflow.start('any', {
        workflowId: 'one',
        taskQueue: 'none',
        searchAttributes: { [SYNC_STATUS_ATTRIBUTE]: ['ok'] },
      }),
    );
  }
});

test('it serves its Web UI unless headless', async () => {
  const temporal = await start({ headless: false, uiPort: 0 });
  const { uiUrl = '' } = temporal;
  const page = await waitUntil(() => fetch(uiUrl), { describe: `the Web UI at ${uiUrl}` });
  expect(page.headers.get('content-type')).toContain('text/html');
  expect((await start()).uiUrl).toBeUndefined();
});

test('with a database file, workflows survive a restart', async () => {
  const databaseFile = path.join(folder.path, 'temporal.db');
  const first = await start({ databaseFile });
  await withClient(first.address, 'default', (client) =>
    client.workflow.start('any', { workflowId: 'kept', taskQueue: 'none' }),
  );
  await first.stop();
  expect(isAlive(first.pid)).toBe(false);
  const second = await start({ databaseFile });
  const { status } = await withClient(second.address, 'default', (client) =>
    client.workflow.getHandle('kept').describe(),
  );
  expect(status.name).toBe('RUNNING');
});

test('it takes another port when something listens on the preferred one', async () => {
  const occupant = createServer().listen(0, '127.0.0.1');
  await once(occupant, 'listening');
  const { port } = occupant.address() as { port: number };
  expect((await start({ port })).port).not.toBe(port);
  occupant.close();
});

test('it ends when the process that started it is killed with SIGKILL', async () => {
  const parent = await runScript<{ pid: number }>(
    'startTemporal',
    `const { pid } = await startTemporal(${JSON.stringify(options())});
     console.log(JSON.stringify({ pid }));
     setInterval(() => {}, 1000);`,
  );
  await parent.kill('SIGKILL');
  await waitUntil(() => !isAlive(parent.printed.pid), { describe: 'the end of Temporal' });
});

test('a program that ends at once is reported with the tail of its log', async () => {
  const cliPath = await fakeCli('echo "disk is full" >&2; exit 3');
  await expect(start({ cliPath })).rejects.toThrow(
    /Temporal did not start: it exited with code 3\. .*disk is full/s,
  );
});

test('a program that does not answer is given up, and ended', async () => {
  const pidFile = path.join(folder.path, 'pid');
  const cliPath = await fakeCli(`echo "thinking"; echo $$ > ${pidFile}; exec sleep 600`);
  // Longer and longer, until the program has begun before it is given up.
  let startTimeoutMs = 250;
  let failure: unknown;
  while (!existsSync(pidFile)) {
    startTimeoutMs *= 2;
    failure = await start({ cliPath, startTimeoutMs }).catch((error: unknown) => error);
  }
  expect(String(failure)).toContain(`Temporal did not answer within ${startTimeoutMs} ms.`);
  expect(String(failure)).toContain('thinking');
  expect(isAlive(Number(await readFile(pidFile, 'utf8')))).toBe(false);
});

test('a program that cannot be run is named', async () => {
  await expect(start({ cliPath: '/nowhere/temporal' })).rejects.toThrow('spawn /nowhere/temporal ENOENT');
});
