import { Webhook } from 'svix';
import { createLogger } from '../../src/log.js';
import { type AppDependencies, createApp } from '../../src/starter/app.js';
import { createStarterMetrics } from '../../src/starter/metrics.js';
import { listen } from '../../src/starter/server.js';
import { createWebhookVerifier } from '../../src/starter/verify-webhook.js';
import type { UserChange } from '../../src/user-change.js';

export const SECRET = `whsec_${Buffer.from('a secret of 24 bytes, so').toString('base64')}`;
export const OTHER_SECRET = `whsec_${Buffer.from('another secret, 24 bytes').toString('base64')}`;

/** The headers with which Svix would send this body. */
export function sign(
  body: string,
  {
    svixId = 'msg_1',
    at = new Date(),
    secret = SECRET,
  }: { svixId?: string; at?: Date; secret?: string } = {},
): Record<string, string> {
  return {
    'svix-id': svixId,
    'svix-timestamp': `${Math.floor(at.getTime() / 1000)}`,
    'svix-signature': new Webhook(secret).sign(svixId, at, body),
  };
}

export interface TestStarter {
  url: string;
  /** What the signaler was given, in order. */
  signalled: { change: UserChange; bytes: number }[];
  /** What was logged, a parsed line each, at any level. */
  logs: Record<string, unknown>[];
  /** Posts a body, signed unless other headers are given. */
  deliver(body: string, headers?: Record<string, string>): Promise<Response>;
  /** How many deliveries had each result, from /metrics. */
  deliveries(): Promise<Record<string, number>>;
  stop(): Promise<void>;
}

/** The whole starter, listening; only Temporal is a plain function, which takes every change unless one is given. */
export async function startTestStarter(given: Partial<AppDependencies> = {}): Promise<TestStarter> {
  const signalled: TestStarter['signalled'] = [];
  const logs: TestStarter['logs'] = [];
  const { signalUser = async () => undefined, ...others } = given;
  const app = createApp({
    verify: createWebhookVerifier([SECRET, OTHER_SECRET]),
    log: createLogger('trace', 'starter', { write: (line) => logs.push(JSON.parse(line)) }),
    metrics: createStarterMetrics(),
    mode: 'payload',
    keepPrivateMetadata: false,
    instanceId: undefined,
    maxBodyBytes: 524_288,
    sync: {
      syncUserNow: async () => ({ kind: 'applied', outcome: 'unchanged' }),
      readUser: async (clerkId) => ({ clerkId, deletedAt: null }),
      verifySession: undefined,
      apiToken: undefined,
      corsOrigins: [],
    },
    health: { temporal: async () => true, postgres: async () => true, draining: () => false },
    signalUser: async (change, bytes) => {
      signalled.push({ change, bytes });
      await signalUser(change, bytes);
    },
    ...others,
  });
  const server = await listen(app, 0, '127.0.0.1');
  return {
    url: server.url,
    signalled,
    logs,
    deliver: (body, headers = sign(body)) =>
      fetch(`${server.url}/webhooks/clerk`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body,
      }),
    async deliveries() {
      const text = await (await fetch(`${server.url}/metrics`)).text();
      const lines = text.matchAll(/^clerk_sync_deliveries_total\{result="(\w+)"\} (\d+)$/gm);
      return Object.fromEntries([...lines].map(([, result, count]) => [result, Number(count)]));
    },
    stop: () => server.drain(),
  };
}
