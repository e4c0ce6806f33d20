// Jest's global set-up of the live tests: one Temporal and one Postgres for all files, in memory or as good as.
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { migrate } from '../../dist/db/migrate.js';
import { defaultCacheFolder } from '../../dist/embedded/default-cache-folder.js';
import { findTemporalCli } from '../../dist/embedded/find-temporal-cli.js';
import { isAlive } from '../../dist/embedded/is-alive.js';
import { startPostgres } from '../../dist/embedded/start-postgres.js';
import { startTemporal } from '../../dist/embedded/start-temporal.js';

const FOLDER_PREFIX = 'clerk-temporal-sync-test-';
const TEMPLATE = 'migrated';

export default async function startServers() {
  await removeAbandoned();
  const folder = await mkdtemp(path.join(tmpdir(), `${FOLDER_PREFIX}${process.pid}-`));
  // Run by root, Postgres becomes another user, who has to pass.
  await chmod(folder, 0o755);
  const servers = { folder, stop: [] };
  globalThis.testServers = servers;
  const starts = [usePostgres(folder), useTemporal(folder)].map(async (start) => {
    servers.stop.push((await start).stop);
  });
  const failed = (await Promise.allSettled(starts)).filter(({ status }) => status === 'rejected');
  if (failed.length === 0) return;
  await stopServers();
  throw new Error(
    `The live tests need these servers: ${failed.map(({ reason }) => reason.message).join('\n')}`,
  );
}

export async function stopServers() {
  const { folder, stop } = globalThis.testServers;
  await Promise.all(stop.map((each) => each()));
  await rm(folder, { recursive: true, force: true });
}

async function usePostgres(folder) {
  const postgres = await startPostgres({
    dataFolder: path.join(folder, 'postgres'),
    port: 0,
    logFile: path.join(folder, 'postgres.log'),
    durable: false,
    startTimeoutMs: 300_000,
    settings: { max_connections: '200' },
  });
  try {
    await makeTemplate(postgres);
  } catch (error) {
    await postgres.stop();
    throw error;
  }
  process.env.TEST_POSTGRES_URL = postgres.url();
  process.env.TEST_POSTGRES_TEMPLATE = TEMPLATE;
  return postgres;
}

async function makeTemplate(postgres) {
  const client = new pg.Client({ connectionString: postgres.url() });
  await client.connect();
  try {
    await client.query(`CREATE DATABASE ${TEMPLATE}`);
    await migrate(postgres.url(TEMPLATE));
    await client.query(`ALTER DATABASE ${TEMPLATE} IS_TEMPLATE true ALLOW_CONNECTIONS false`);
  } finally {
    await client.end();
  }
}

async function useTemporal(folder) {
  const cliPath = await findTemporalCli({
    cliPath: process.env.TEMPORAL_CLI_PATH,
    cacheFolder: defaultCacheFolder(process.env),
    log: (message) => process.stderr.write(`${message}\n`),
  });
  const temporal = await startTemporal({
    cliPath,
    port: 0,
    headless: true,
    startTimeoutMs: 300_000,
    logFile: path.join(folder, 'temporal.log'),
    dynamicConfig: {
      // A new namespace's schedules fire only once its servers have noticed it: 2 s by default.
      'system.namespaceCacheRefreshInterval': '"100ms"',
      // Runs continue as new four times sooner than by default, which tests would otherwise spend minutes on.
      'limit.historyCount.suggestContinueAsNew': '1024',
    },
  });
  process.env.TEST_TEMPORAL_ADDRESS = temporal.address;
  process.env.TEST_TEMPORAL_CLI = cliPath;
  return temporal;
}

/** What test runs left that were killed; their servers ended with them. */
async function removeAbandoned() {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(FOLDER_PREFIX)) continue;
    const pid = Number.parseInt(name.slice(FOLDER_PREFIX.length), 10);
    if (!isAlive(pid)) await rm(path.join(tmpdir(), name), { recursive: true, force: true });
  }
}
