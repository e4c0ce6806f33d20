import { readConfig } from '../config.js';
import { createLogger } from '../log.js';
import { runStarter } from './run-starter.js';
import { untilStopped } from './until-stopped.js';

/** `clerk-sync starter` */
export async function starter(): Promise<void> {
  const config = readConfig(['CLERK_WEBHOOK_SIGNING_SECRET', 'DATABASE_URL']);
  const log = createLogger(config.LOG_LEVEL, 'starter');
  const running = await runStarter(config, log);
  const stopped = untilStopped([running.stop]);
  // Whoever reads this may tell us to end at once.
  log.info({ url: running.url }, 'Starter listening');
  await stopped;
}
