import type { Database } from '../db/database.js';
import { readClock } from '../db/read-clock.js';
import type { Logger } from '../log.js';

/** More than a network and a busy machine explain. Svix's tolerance, from which on no webhook is taken, is 300 s. */
export const MAX_SKEW_SECONDS = 60;
const EVERY_MS = 10 * 60_000;

export interface ClockWatch {
  /** Says in the log, at once and every ten minutes at most, that this machine's clock is off; and when it is right again. */
  observe(other: 'Postgres' | 'Clerk', aheadMs: number): void;
}

export function createClockWatch(
  log: Pick<Logger, 'warn' | 'info'>,
  now: () => number = performance.now.bind(performance),
): ClockWatch {
  const toldAtMs = new Map<string, number>();
  return {
    observe(other, aheadMs) {
      const aheadSeconds = Math.round(aheadMs / 1000);
      const isOff = Math.abs(aheadSeconds) > MAX_SKEW_SECONDS;
      const told = toldAtMs.get(other);
      if (isOff && (told === undefined || now() - told >= EVERY_MS)) {
        toldAtMs.set(other, now());
        log.warn({ other, aheadSeconds }, "This machine's clock is off: set it, by NTP say");
      } else if (!isOff && told !== undefined) {
        toldAtMs.delete(other);
        log.info({ other, aheadSeconds }, "This machine's clock is right again");
      }
    },
  };
}

/**
 * Compares this machine's clock with Postgres' now and every ten minutes.
 *
 * @returns what ends that; the database can be closed after it.
 */
export function watchPostgresClock(db: Database, watch: ClockWatch): () => Promise<void> {
  const look = async () => {
    // While Postgres is down nothing is known; what it stops says so.
    const clock = await readClock(db).catch(() => null);
    if (clock !== null) watch.observe('Postgres', clock.aheadMs);
  };
  let looking = look();
  const timer = setInterval(() => {
    looking = looking.then(look);
  }, EVERY_MS);
  timer.unref();
  return async () => {
    clearInterval(timer);
    await looking;
  };
}
