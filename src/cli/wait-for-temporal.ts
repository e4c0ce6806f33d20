import { setTimeout as sleep } from 'node:timers/promises';
import { NativeConnection } from '@temporalio/worker';
import type { Config } from '../config.js';
import type { Logger } from '../log.js';
import { tellTemporalProblem } from './tell-temporal-problem.js';
import { temporalProblem } from './temporal-problem.js';

const RETRY_MS = 1_000;
/** An attempt that hangs ends by itself after some 35 s. */
const HANGS_MS = 5_000;

/**
 * Connects a worker to Temporal, and waits for as long as nothing answers there, saying so in the log.
 *
 * @returns undefined once `ending` is aborted: at once, whatever is under way.
 * @throws Error that says what to set, when Temporal refuses the credentials or the namespace, or TLS fails: no waiting
 *   helps.
 */
export async function waitForTemporal(
  temporal: Config['temporal'],
  log: Logger,
  ending: AbortSignal,
): Promise<NativeConnection | undefined> {
  const tell = tellTemporalProblem(log);
  const aborted = new Promise<undefined>((resolve) => {
    ending.addEventListener('abort', () => resolve(undefined), { once: true });
  });
  while (!ending.aborted) {
    const hanging = setTimeout(() => tell(temporalProblem(undefined, temporal)), HANGS_MS);
    try {
      const attempt = connect(temporal);
      // Unused once told to end; the process ends then, and the connection with it.
      attempt.catch(() => undefined);
      return await Promise.race([attempt, aborted]);
    } catch (cause) {
      const problem = temporalProblem(cause, temporal);
      if (!problem.passing) throw new Error(problem.text, { cause });
      tell(problem);
    } finally {
      clearTimeout(hanging);
    }
    await sleep(RETRY_MS, undefined, { signal: ending }).catch(() => undefined);
  }
  return undefined;
}

async function connect({
  connectionOptions,
  namespace = 'default',
}: Config['temporal']): Promise<NativeConnection> {
  const connection = await NativeConnection.connect(connectionOptions);
  try {
    await connection.workflowService.describeNamespace({ namespace });
    return connection;
  } catch (error) {
    await connection.close();
    throw error;
  }
}
