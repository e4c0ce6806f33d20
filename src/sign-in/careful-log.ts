import type { SignInLog } from './row-keeper.js';

/** A row that is missing for a wrong key or address would otherwise look like a visitor who is not signed in. */
const ON_CONSOLE: SignInLog = {
  info: () => undefined,
  // biome-ignore lint/suspicious/noConsole: a library has no log of its own, and the application gave none.
  warn: (fields, sentence) => console.warn(`clerk-temporal-sync: ${sentence}`, fields),
};

/**
 * @returns the same log, but that nothing it throws comes through: the time box writes to it from a timer, where an error
 *   would end the application, and who signs in is not to blame for it.
 */
export function carefulLog(log: SignInLog | false = ON_CONSOLE): SignInLog {
  const carefully =
    (level: keyof SignInLog): SignInLog[typeof level] =>
    (fields, sentence) => {
      try {
        if (log) log[level](fields, sentence);
      } catch {
        // There is nowhere left to say it.
      }
    };
  return { info: carefully('info'), warn: carefully('warn') };
}
