import { readConfig, reconcileRequestsPerSecond } from '../config.js';
import { createLogger } from '../log.js';
import { installRuntime } from '../worker/install-runtime.js';
import { runWorker } from './run-worker.js';
import { untilStopped } from './until-stopped.js';

/** `clerk-sync worker` */
export async function worker(): Promise<void> {
  const config = readConfig(['CLERK_SECRET_KEY', 'DATABASE_URL']);
  const log = createLogger(config.LOG_LEVEL, 'worker');
  installRuntime(log);
  const running = await runWorker(config, log);
  const stopped = untilStopped([running.stop], running.finished);
  // Whoever reads this may tell us to end at once.
  log.info({ requestsPerSecond: reconcileRequestsPerSecond(config) }, 'Worker running');
  await stopped;
}
