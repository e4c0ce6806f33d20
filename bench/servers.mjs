// What every benchmark stands on: a durable Postgres, Temporal on disk, both as `npm start` runs them, in a folder that
// is thrown away.
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { migrate } from '../dist/db/migrate.js';
import { defaultCacheFolder } from '../dist/embedded/default-cache-folder.js';
import { findTemporalCli } from '../dist/embedded/find-temporal-cli.js';
import { startPostgres } from '../dist/embedded/start-postgres.js';
import { startTemporal } from '../dist/embedded/start-temporal.js';

export async function startServers() {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'clerk-sync-bench-'));
  const cliPath = await findTemporalCli({
    cliPath: process.env.TEMPORAL_CLI_PATH,
    cacheFolder: defaultCacheFolder(process.env),
    log: console.error,
  });
  const [postgres, temporal] = await Promise.all([
    startPostgres({
      dataFolder: path.join(folder, 'postgres'),
      port: 0,
      logFile: path.join(folder, 'postgres.log'),
    }),
    startTemporal({
      cliPath,
      port: 0,
      headless: true,
      databaseFile: path.join(folder, 'temporal.db'),
      logFile: path.join(folder, 'temporal.log'),
    }),
  ]);
  const databaseUrl = postgres.url();
  await migrate(databaseUrl);
  return {
    databaseUrl,
    temporalAddress: temporal.address,
    async stop() {
      await Promise.all([postgres.stop(), temporal.stop()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
