import { once } from 'node:events';
import { createServer } from 'node:http';
import { createApp, type RequestStats } from './app.js';
import { AutoSave } from './auto-save.js';
import { loadUsers, saveUsers } from './save-users.js';
import { seedUsers } from './seed-users.js';
import { seededRandom } from './seeded-random.js';
import { SessionKeys, type TokenClaims } from './session-keys.js';
import { SessionStore } from './session-store.js';
import {
  DEFAULT_SETTINGS,
  type InjectedFailure,
  type StandInSettings,
  standInSettings,
} from './stand-in-settings.js';
import { UserOperations } from './user-operations.js';
import { UserStore } from './user-store.js';
import { WebhookSender } from './webhook-sender.js';
import {
  DEFAULT_WEBHOOK_SETTINGS,
  type WebhookEndpoint,
  type WebhookSettings,
  webhookSettings,
} from './webhook-settings.js';

/** What the stand-in accepts when no key was chosen. It is no secret and opens nothing else. */
export const DEFAULT_SECRET_KEY = 'sk_test_clerk_stand_in_no_real_key';
export const DEFAULT_INSTANCE_ID = 'ins_clerkstandin000000000000000';

export interface StandInOptions {
  /** 0, the default, takes a free one. */
  readonly port?: number;
  /** Default 127.0.0.1: the controls ask for no key. */
  readonly host?: string;
  readonly secretKey?: string;
  /** Also the `kid` of session tokens and the `instance_id` of events. Default: the data file's, or a fixed one. */
  readonly instanceId?: string;
  /** Default 1,000 in 10 s, as in production; null switches it off, and the limit of writes to one user with it. */
  readonly rateLimit?: StandInSettings['rateLimit'];
  /** Default 0. */
  readonly latencyMs?: number;
  /** The other settings of the API. */
  readonly settings?: Partial<StandInSettings>;
  /** Default none; may be set later, in `webhooks.settings.endpoints`. */
  readonly webhooks?: WebhookEndpoint[];
  /** Loss, duplicates, reordering, delay, retries. */
  readonly delivery?: Partial<Omit<WebhookSettings, 'endpoints'>>;
  /** How many users to make up when there are none yet. Default 0. */
  readonly seedUsers?: number;
  /** Of the made-up users and of the delivery's dice. Default 1. */
  readonly seed?: number;
  /** Users are loaded from here, and saved at the end and about every 10 s. Default: memory only. */
  readonly dataFile?: string;
  /** The clock, in ms; timers run on the real one. */
  readonly now?: () => number;
}

/** A running stand-in. What is done here and what is done over HTTP are the same operations. */
export interface StandIn {
  /** For CLERK_API_URL: without `/v1`. */
  readonly url: string;
  readonly port: number;
  readonly secretKey: string;
  readonly publishableKey: string;
  /** For CLERK_JWT_KEY: SPKI PEM. */
  readonly jwtKey: string;
  readonly instanceId: string;
  readonly users: UserOperations;
  readonly webhooks: WebhookSender;
  /** May be changed at any time. */
  readonly settings: StandInSettings;
  readonly stats: RequestStats;
  /**
   * Makes requests fail, all of them or those that match.
   * @returns ends it early
   */
  failWith(failure: InjectedFailure): () => void;
  /** @returns a session token, valid 60 s; `claims` override, null removes */
  mintToken(claims: TokenClaims): string;
  /** Saves, and closes everything: no socket and no timer is left. */
  stop(): Promise<void>;
}

/**
 * Starts an imitation of Clerk's Backend API and webhook sender.
 * @throws ZodError for settings that make no sense, Error when the port is taken or the data file is not one
 */
export async function startStandIn(options: StandInOptions = {}): Promise<StandIn> {
  const { secretKey = DEFAULT_SECRET_KEY, host = '127.0.0.1', seed = 1, now = Date.now, dataFile } = options;
  const settings = standInSettings.parse({
    ...DEFAULT_SETTINGS,
    failures: [],
    ...options.settings,
    ...(options.rateLimit !== undefined ? { rateLimit: options.rateLimit } : {}),
    ...(options.rateLimit === null ? { userWriteLimit: null } : {}),
    ...(options.latencyMs !== undefined ? { latencyMs: options.latencyMs } : {}),
  });
  const delivery = webhookSettings.parse({
    ...DEFAULT_WEBHOOK_SETTINGS,
    ...options.delivery,
    endpoints: options.webhooks ?? [],
  });
  const saved = dataFile === undefined ? undefined : await loadUsers(dataFile);
  const instanceId = options.instanceId ?? saved?.instanceId ?? DEFAULT_INSTANCE_ID;
  const keys = await SessionKeys.create(instanceId, now, saved?.privateKeyPem);
  const store = new UserStore();
  const loaded = saved?.users.length ? saved.users : seedUsers(options.seedUsers ?? 0, seed);
  store.load(loaded);
  const sessions = new SessionStore();
  const webhooks = new WebhookSender({ settings: delivery, instanceId, now, random: seededRandom(seed) });
  const users = new UserOperations({
    store,
    sessions,
    now,
    emit: (type, data, timestampMs, origin) => webhooks.send(type, data, timestampMs, origin),
    deletedCursor: () => settings.deletedCursor,
  });
  const stats: RequestStats = { total: 0, byRoute: {}, byStatus: {} };
  let url = '';
  const deps = {
    secretKey,
    instanceId,
    users,
    sessions,
    keys,
    webhooks,
    settings,
    stats,
    now,
    url: () => url,
  };
  const server = createServer(createApp(deps));
  server.listen(options.port ?? 0, host);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string')
    throw new Error('unreachable: the server listens on TCP');
  url = `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`;
  const autoSave =
    dataFile === undefined
      ? undefined
      : new AutoSave(
          () => saveUsers(dataFile, { instanceId, privateKeyPem: keys.privateKeyPem }, store.records()),
          () => store.changes,
          saved?.users.length ? store.changes : -1,
        );

  let stopping: Promise<void> | undefined;
  const stop = async () => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await Promise.all([closed, webhooks.stop()]);
    await autoSave?.stop();
  };
  return {
    url,
    port: address.port,
    secretKey,
    publishableKey: keys.publishableKey,
    jwtKey: keys.jwtKey,
    instanceId,
    users,
    webhooks,
    settings,
    stats,
    failWith: (failure) => {
      // A copy: `times` counts down in it.
      const injected = { ...failure };
      settings.failures.push(injected);
      return () => {
        settings.failures = settings.failures.filter((other) => other !== injected);
      };
    },
    mintToken: (claims) => keys.mintToken(claims),
    stop: () => {
      stopping ??= stop();
      return stopping;
    },
  };
}
