import type { SignInLog } from './row-keeper.js';

/**
 * @returns the same log, but that nothing it throws comes through: the time box writes to it from a timer, where an error
 *   would end the application, and who signs in is not to blame for it.
 */
export function carefulLog(log: SignInLog | undefined): SignInLog {
  const carefully =
    (level: keyof SignInLog): SignInLog[typeof level] =>
    (fields, sentence) => {
      try {
        log?.[level](fields, sentence);
      } catch {
        // There is nowhere left to say it.
      }
    };
  return { info: carefully('info'), warn: carefully('warn') };
}
