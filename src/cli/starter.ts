import { readConfig } from '../config.js';
import { createLogger } from '../log.js';
import { runStarter } from './run-starter.js';
import { untilStopped } from './until-stopped.js';

/** `clerk-sync starter` */
export async function starter(): Promise<void> {
  const config = readConfig(['CLERK_WEBHOOK_SIGNING_SECRET', 'DATABASE_URL']);
  const running = await runStarter(config, createLogger(config.LOG_LEVEL, 'starter'));
  await untilStopped([running.stop]);
}
