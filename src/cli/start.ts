import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { pino } from 'pino';
import { createClerkApi } from '../clerk/clerk-api.js';
import { countUsers } from '../clerk/count-users.js';
import { type StandIn, startStandIn } from '../clerk-stand-in/start-stand-in.js';
import { type Config, readConfig } from '../config.js';
import { connectDatabase } from '../db/database.js';
import { migrate } from '../db/migrate.js';
import { defaultCacheFolder } from '../embedded/default-cache-folder.js';
import { findTemporalCli } from '../embedded/find-temporal-cli.js';
import { startPostgres } from '../embedded/start-postgres.js';
import { startTemporal } from '../embedded/start-temporal.js';
import { createLogger } from '../log.js';
import { placeOf, readPostgresAddress } from '../postgres-address.js';
import { installRuntime } from '../worker/install-runtime.js';
import type { RunningWorker } from '../worker/start-worker.js';
import { explainPostgres } from './explain-postgres.js';
import { runStarter } from './run-starter.js';
import { runWorker } from './run-worker.js';
import { untilStopped } from './until-stopped.js';
import { watchSync } from './watch-sync.js';

const STAND_IN_USERS = 2_000;
/** With a stand-in of one's own there is no application to leave Clerk's limit to. */
const STAND_IN_REQUESTS_PER_SECOND = 50;

/** What was started, to be stopped in reverse. */
type Stops = (() => Promise<void>)[];

/**
 * `npm start`: the whole service in one process. What no setting names is run here: PostgreSQL, Temporal's dev server
 * with its Web UI, and a stand-in for Clerk, whose users sign up, change and leave while one watches.
 */
export async function start(): Promise<void> {
  const given = readConfig();
  const folder = path.resolve('.data');
  await mkdir(path.join(folder, 'logs'), { recursive: true });
  const stops: Stops = [];
  let reportDeath: (error: Error) => void = () => undefined;
  const died = new Promise<never>((_, reject) => {
    reportDeath = reject;
  });
  died.catch(() => undefined);
  try {
    const config = await withParts(given, folder, stops, reportDeath);
    const ending = new AbortController();
    const starting = runService(config, folder, stops, ending.signal);
    const stop = async () => {
      ending.abort();
      await starting.catch(() => undefined);
      await stopAll(stops)();
    };
    await untilStopped([stop], Promise.race([starting.then((worker) => worker?.finished), died]));
  } catch (error) {
    await stopAll(stops)();
    throw error;
  }
}

interface StartConfig extends Config {
  standIn: StandIn | undefined;
  uiUrl: string | undefined;
  /** Whether Postgres is run here; its password is then made up, and of use to whoever looks in. */
  ownPostgres: boolean;
}

/** Fills in what is not set with a part of our own. @param onDeath is told when one of them ends by itself. */
async function withParts(
  given: Config,
  folder: string,
  stops: Stops,
  onDeath: (error: Error) => void,
): Promise<StartConfig> {
  const config: StartConfig = {
    ...given,
    HOST: '127.0.0.1',
    standIn: undefined,
    uiUrl: undefined,
    ownPostgres: false,
  };
  const logFile = (name: string) => path.join(folder, 'logs', `${name}.log`);
  if (config.CLERK_SECRET_KEY !== undefined && config.CLERK_WEBHOOK_SIGNING_SECRET === undefined) {
    throw new Error(
      'CLERK_SECRET_KEY is set, but CLERK_WEBHOOK_SIGNING_SECRET is not: copy it from the page of the webhook endpoint.',
    );
  }
  if (config.DATABASE_URL !== undefined && config.CLERK_SECRET_KEY === undefined) {
    throw new Error(
      'DATABASE_URL is set, but CLERK_SECRET_KEY is not: made-up users of the stand-in would be written into that database. Set CLERK_SECRET_KEY; or unset DATABASE_URL, and a Postgres is run for them; or run `clerk-sync stand-in` and set what it prints.',
    );
  }
  const postgres = config.DATABASE_URL === undefined ? startOwnPostgres() : undefined;
  const started = await Promise.allSettled([
    config.CLERK_SECRET_KEY === undefined && startClerk(),
    !config.temporalIsSet && startOwnTemporal(),
    postgres,
  ]);
  const failed = started.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
  return config;

  async function startClerk(): Promise<void> {
    const standIn = await startStandIn({
      seedUsers: STAND_IN_USERS,
      dataFile: path.join(folder, 'stand-in.jsonl'),
    });
    stops.push(standIn.stop);
    config.standIn = standIn;
    config.CLERK_SECRET_KEY = standIn.secretKey;
    config.CLERK_API_URL = standIn.url;
    config.CLERK_JWT_KEY = standIn.jwtKey;
    config.CLERK_WEBHOOK_SIGNING_SECRET ??= [`whsec_${randomBytes(24).toString('base64')}`];
    config.RECONCILE_REQUESTS_PER_SECOND ??= STAND_IN_REQUESTS_PER_SECOND;
    config.REFETCH_REQUESTS_PER_SECOND ??= STAND_IN_REQUESTS_PER_SECOND / 2;
    // Its lists do not lag, and whoever watches wants to see a lost deletion repaired.
    config.RECONCILE_DELETION_GRACE_SECONDS = 5;
    // A quarter of its webhooks is lost on purpose, so that within hours a day's limit would be reached.
    config.RECONCILE_MOST_DELETED_SHARE = 1;
  }

  async function startOwnTemporal(): Promise<void> {
    const cacheFolder = defaultCacheFolder(process.env);
    const cliPath = await findTemporalCli({ cliPath: config.TEMPORAL_CLI_PATH, cacheFolder, log: say });
    // It refuses a folder that another run has. Two Temporal servers on one file would take it from each other.
    await postgres;
    const databaseFile = path.join(folder, 'temporal.db');
    const temporal = await startTemporal({ cliPath, databaseFile, logFile: logFile('temporal'), onDeath });
    stops.push(temporal.stop);
    config.temporal = { namespace: 'default', connectionOptions: { address: temporal.address } };
    config.uiUrl = temporal.uiUrl;
  }

  async function startOwnPostgres(): Promise<void> {
    const dataFolder = path.join(folder, 'postgres');
    const postgres = await startPostgres({ dataFolder, logFile: logFile('postgres'), log: say, onDeath });
    stops.push(postgres.stop);
    config.DATABASE_URL = postgres.url();
    config.ownPostgres = true;
  }
}

/** @returns undefined when told to end before Temporal answered. */
async function runService(
  config: StartConfig,
  folder: string,
  stops: Stops,
  ending: AbortSignal,
): Promise<RunningWorker | undefined> {
  const { standIn, DATABASE_URL = '' } = config;
  const serviceLog = path.join(folder, 'logs', 'service.log');
  const destination = pino.destination({ dest: serviceLog, sync: false, mkdir: true });
  const workerLog = createLogger(config.LOG_LEVEL, 'worker', destination);
  installRuntime(workerLog);
  await migrate(DATABASE_URL).catch((error: unknown) => {
    throw explainPostgres(error, DATABASE_URL);
  });
  const worker = await runWorker(config, workerLog, ending);
  if (worker === undefined) return undefined;
  stops.push(worker.stop);
  const starter = await runStarter(config, createLogger(config.LOG_LEVEL, 'starter', destination));
  stops.push(starter.stop);
  const webhookUrl = `${starter.url}/webhooks/clerk`;
  const [signingSecret] = config.CLERK_WEBHOOK_SIGNING_SECRET ?? [];
  if (standIn && signingSecret) standIn.webhooks.settings.endpoints = [{ url: webhookUrl, signingSecret }];

  say(`
  Temporal Web UI   ${config.uiUrl ?? config.temporal.connectionOptions.address ?? ''}
  Starter           ${starter.url}  (webhooks: POST ${webhookUrl})
  Clerk             ${standIn ? `${standIn.url}  (a stand-in; key ${standIn.secretKey})` : config.CLERK_API_URL}
  Database          ${printable(config)}
  Logs and data     ${path.relative(process.cwd(), folder) || '.'}
`);
  const clerk = createClerkApi({ secretKey: config.CLERK_SECRET_KEY ?? '', apiUrl: config.CLERK_API_URL });
  const db = connectDatabase({ url: DATABASE_URL, poolSize: 2 });
  stops.push(() => db.$disconnect());
  const watch = watchSync({ db, standIn, countClerkUsers: () => countUsers(clerk) });
  stops.push(watch.stop);
  return worker;
}

function printable({ ownPostgres, DATABASE_URL = '' }: StartConfig): string {
  const address = readPostgresAddress(DATABASE_URL);
  if (ownPostgres || 'problem' in address) return DATABASE_URL;
  return `${address.database ?? address.user ?? ''} at ${placeOf(address)}`;
}

const stopAll = (stops: Stops) => async () => {
  say('\nStopping …');
  let failed: unknown;
  for (let stop = stops.pop(); stop; stop = stops.pop())
    await stop().catch((error: unknown) => (failed ??= error));
  if (failed !== undefined) throw failed;
};

const say = (message: string): void => console.log(message);
