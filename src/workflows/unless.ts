import { CancellationScope, condition } from '@temporalio/workflow';

export const STOPPED = Symbol('stopped');

/**
 * Runs an activity until it ends or must stop; it is then cancelled. An attempt given up may still commit; the freshness
 * rule makes that harmless.
 */
export async function unless<T>(stop: () => boolean, run: () => Promise<T>): Promise<T | typeof STOPPED> {
  const scope = new CancellationScope();
  return scope.run(async () => {
    const running = run();
    const stopping = condition(stop).then((): typeof STOPPED => STOPPED);
    try {
      return await Promise.race([running, stopping]);
    } finally {
      scope.cancel();
      for (const loser of [running, stopping]) loser.catch(() => undefined);
    }
  });
}
