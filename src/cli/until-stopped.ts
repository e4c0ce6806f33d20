/**
 * Waits for SIGINT, SIGTERM or the end of `finished`, then stops what runs, in order. A second signal ends the process
 * at once.
 *
 * @param stops in the order in which to stop; each is tried even if one before it failed.
 * @throws what `finished` rejected with, or the first error of a stop.
 */
export async function untilStopped(
  stops: readonly (() => Promise<void>)[],
  finished?: Promise<unknown>,
): Promise<void> {
  const errors: unknown[] = [];
  let onSignal: NodeJS.SignalsListener | undefined;
  const signalled = new Promise<void>((resolve) => {
    onSignal = () => {
      resolve();
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
    };
    process.once('SIGINT', onSignal);
    process.once('SIGTERM', onSignal);
  });
  await Promise.race([signalled, finished ?? signalled]).catch((error: unknown) => errors.push(error));
  for (const stop of stops) await stop().catch((error: unknown) => errors.push(error));
  if (errors.length > 0) throw errors[0];
}
