// What every benchmark stands on: a durable Postgres, Temporal on disk, both as `npm start` runs them, in a folder that
// is thrown away.
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Client as Postgres } from 'pg';
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
  const connect = async (url) => {
    const connection = new Postgres({ connectionString: url });
    await connection.connect();
    return connection;
  };
  const sql = await connect(postgres.url());
  return {
    sql,
    temporalAddress: temporal.address,
    pids: { postgres: postgres.pid, temporal: temporal.pid },
    folder,
    /** A new database with the service's tables, and a connection to look into it. */
    async database(name) {
      await sql.query(`CREATE DATABASE ${name}`);
      const url = postgres.url(name);
      await migrate(url);
      const own = await connect(url);
      return { name, url, sql: own, stop: () => own.end() };
    },
    async stop() {
      await sql.end();
      await Promise.all([postgres.stop(), temporal.stop()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
