import http from 'node:http';
import https from 'node:https';
import { Webhook } from 'svix';
import type { WebhookMessage } from './webhook-message.js';
import type { WebhookEndpoint } from './webhook-settings.js';

export interface PostAgents {
  readonly http: http.Agent;
  readonly https: https.Agent;
}

export interface PostAnswer {
  readonly status: number;
  /** The `webhook-delivery` response header: `abort-message`, `disable`. */
  readonly control: string | undefined;
}

/**
 * Signs and posts one message once. Redirects are not followed. Not `fetch`: its sockets would outlive a stopped
 * stand-in, while destroying an agent breaks off what it has in flight.
 * @throws when there is no connection, or no whole answer within `timeoutMs`
 */
export function postWebhook(
  { svixId, payload }: WebhookMessage,
  { url, signingSecret }: WebhookEndpoint,
  { agents, timeoutMs, atMs }: { agents: PostAgents; timeoutMs: number; atMs: number },
): Promise<PostAnswer> {
  const at = new Date(atMs);
  const signatures = [signingSecret].flat().map((secret) => new Webhook(secret).sign(svixId, at, payload));
  const target = new URL(url);
  const [client, agent] = target.protocol === 'https:' ? [https, agents.https] : [http, agents.http];
  return new Promise((resolve, reject) => {
    const request = client.request(
      target,
      {
        method: 'POST',
        agent,
        headers: {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(payload),
          'user-agent': 'Svix-Webhooks/1.99 (clerk-stand-in)',
          'svix-id': svixId,
          'svix-timestamp': String(Math.floor(atMs / 1000)),
          'svix-signature': signatures.join(' '),
        },
      },
      (response) => {
        const control = response.headers['webhook-delivery'];
        const answer = {
          status: response.statusCode ?? 0,
          control: Array.isArray(control) ? control[0] : control,
        };
        response
          .on('error', reject)
          .on('end', () => resolve(answer))
          .resume();
      },
    );
    const timer = setTimeout(() => request.destroy(new Error(`no answer in ${timeoutMs} ms`)), timeoutMs);
    request
      .on('error', reject)
      .on('close', () => clearTimeout(timer))
      .end(payload);
  });
}
