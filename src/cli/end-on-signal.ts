/**
 * From now on a signal ends this process at once; for commands that leave nothing behind. Without a handler the first
 * process of a container would ignore it.
 */
export function endOnSignal(): void {
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
}
