import { randomBytes } from 'node:crypto';
import { simulateTraffic } from '../clerk-stand-in/simulate-traffic.js';
import { startStandIn } from '../clerk-stand-in/start-stand-in.js';
import { readConfig } from '../config.js';
import { untilStopped } from './until-stopped.js';

export interface StandInCommandOptions {
  port: number;
  users: number;
  data?: string;
  webhookUrl?: string;
  traffic?: boolean;
}

/** `clerk-sync stand-in`: takes CLERK_SECRET_KEY and CLERK_WEBHOOK_SIGNING_SECRET as its own when they are set. */
export async function standIn(options: StandInCommandOptions): Promise<void> {
  const { CLERK_SECRET_KEY: secretKey, CLERK_WEBHOOK_SIGNING_SECRET: secrets } = readConfig();
  const signingSecret = secrets?.[0] ?? `whsec_${randomBytes(24).toString('base64')}`;
  const running = await startStandIn({
    port: options.port,
    seedUsers: options.users,
    ...(secretKey === undefined ? {} : { secretKey }),
    ...(options.data === undefined ? {} : { dataFile: options.data }),
    ...(options.webhookUrl === undefined ? {} : { webhooks: [{ url: options.webhookUrl, signingSecret }] }),
  });
  console.log(`CLERK_API_URL=${running.url}
CLERK_SECRET_KEY=${running.secretKey}
CLERK_PUBLISHABLE_KEY=${running.publishableKey}
CLERK_WEBHOOK_SIGNING_SECRET=${signingSecret}`);
  const traffic = options.traffic
    ? simulateTraffic(running, {
        signUpsPerMinute: 10,
        editsPerMinute: 20,
        signInsPerMinute: 20,
        deletionsPerMinute: 3,
        seed: Date.now(),
      })
    : undefined;
  await untilStopped([async () => traffic?.stop(), running.stop]);
}
