import type { JsonValue } from '../../src/user-change.js';
import { SECRET, sign } from '../starter/start-test-starter.js';
import { clerkUser } from '../support/clerk-user.js';
import { fromSetUp } from '../support/from-set-up.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { type RunningCommand, runCommand } from './run-command.js';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.js';

/** Some time in 2025, at which the users of these tests were changed. */
export const T0 = 1_750_000_000_000;

/** A test file's own service, and a proxy before Temporal, by which starters reach it. */
export interface StarterSurroundings {
  service: TestService;
  proxy: TcpProxy;
  /** Resolves once the process `clerk-sync starter` answers. */
  startStarter(env?: Record<string, string>): Promise<RunningCommand & { url: string }>;
  stop(): Promise<void>;
}

export async function startSurroundings(): Promise<StarterSurroundings> {
  // The instance of the events below: the worker refuses another's.
  const service = await startTestService({ standIn: { instanceId: 'ins_1' } });
  const proxy = await startTcpProxy(fromSetUp('TEST_TEMPORAL_ADDRESS'));
  return {
    service,
    proxy,
    async startStarter(env = {}) {
      const command = runCommand('starter', {
        PORT: '0',
        HOST: '127.0.0.1',
        CLERK_WEBHOOK_SIGNING_SECRET: SECRET,
        DATABASE_URL: service.database.url,
        TEMPORAL_ADDRESS: proxy.address,
        TEMPORAL_NAMESPACE: service.namespace,
        RECONCILE_INTERVAL_SECONDS: '86400',
        ...env,
      });
      const url = String((await command.logged('Starter listening')).url);
      // An answer comes only once it also listens to signals.
      await health(url, '/healthz');
      return { ...command, url };
    },
    async stop() {
      await proxy.close();
      await service.stop();
    },
  };
}

/** @returns the body of a webhook about the user. */
export function eventAbout(id: string, updatedAtMs = T0, fields: Record<string, JsonValue> = {}): string {
  const data = clerkUser(id, updatedAtMs, fields);
  const timestamp = updatedAtMs + 7;
  return JSON.stringify({ type: 'user.updated', object: 'event', timestamp, instance_id: 'ins_1', data });
}

let deliveries = 0;
/** Posts a webhook, signed unless other headers are given. */
export function deliver(url: string, body: string, headers?: Record<string, string>): Promise<Response> {
  return fetch(`${url}/webhooks/clerk`, {
    method: 'POST',
    headers: headers ?? sign(body, { svixId: `msg_${++deliveries}` }),
    body,
  });
}

export async function health(
  url: string,
  path: '/healthz' | '/readyz',
): Promise<{ status: number; body: unknown }> {
  const response = await fetch(url + path);
  return { status: response.status, body: await response.json() };
}
