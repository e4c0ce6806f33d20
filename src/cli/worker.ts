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
  const ending = new AbortController();
  const starting = runWorker(config, log, ending.signal);
  const stop = async () => {
    ending.abort();
    // Its failure is what `finished` rejects with.
    const running = await starting.catch(() => undefined);
    await running?.stop();
  };
  const finished = starting.then((running) => {
    // Logged after the signal handlers are installed: SIGTERM may follow.
    if (running) log.info({ requestsPerSecond: reconcileRequestsPerSecond(config) }, 'Worker running');
    return running?.finished;
  });
  await untilStopped([stop], finished);
}
